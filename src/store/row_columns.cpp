// SPDX-License-Identifier: BSD-3-Clause
#include "store/row_columns.h"

#include "store/statement.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace postseal::store {

NexthopRow nexthop_at(sqlite3_stmt* s) {
    return {.nexthop = text_at(s, 0),
            .dane = sqlite3_column_int64(s, 1) != 0,
            .dane_seen_at = time_or_never_at(s, 2),
            .dane_by = text_at(s, 7),
            .verdict = text_at(s, 3),
            .row = sqlite3_column_int(s, 4),
            .verdict_since = time_or_never_at(s, 5),
            .seen_at = time_or_never_at(s, 6)};
}

StsRow sts_at(sqlite3_stmt* s, Domain domain, int first) {
    constexpr sqlite3_int64 most = std::numeric_limits<std::uint32_t>::max();
    const auto number = [&](int column) { return sqlite3_column_int64(s, first + column); };
    const auto text = [&](int column) { return text_at(s, first + column); };
    const auto time = [&](int column) { return time_at(s, first + column); };
    return {.domain = std::move(domain),
            .body = text(0),
            .id = text(1),
            .fetched_at = time(2),
            .expires_at = time(3),
            .age = {.boot = text(14),
                    .elapsed = milliseconds(number(15)),
                    .least = milliseconds(number(16)),
                    .exact = number(17) != 0,
                    .dated = number(18) != 0},
            .failures = static_cast<std::uint32_t>(std::clamp<sqlite3_int64>(number(4), 0, most)),
            .failed_id = text(5),
            .fault = text(6),
            .reason = text(7),
            .failed_at = time(8),
            .retry_at = time(9),
            .failed_by = text(13),
            .refresh_at = time_or_never_at(s, first + 10),
            .record_gone = number(11) != 0,
            .origin = text(12)};
}

HistoryRow history_at(sqlite3_stmt* s) {
    return {.nexthop = text_at(s, 0),
            .at = time_at(s, 1),
            .kind = sqlite3_column_int64(s, 2) == 1 ? HistoryRow::Kind::downgrade
                                                    : HistoryRow::Kind::verdict,
            .before = text_at(s, 3),
            .after = text_at(s, 4),
            .row = sqlite3_column_int(s, 5),
            .reasons = text_at(s, 6)};
}

} // namespace postseal::store
