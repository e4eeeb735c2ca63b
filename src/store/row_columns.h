// store/row_columns.h: which columns a row has, and the row as it comes out of a statement
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/store.h"

#include <string_view>

struct sqlite3_stmt;

namespace postseal::store {

inline constexpr std::string_view sts_columns =
    "body, id, fetched_at, expires_at, failures, failed_id, fault, reason, failed_at, retry_at,"
    " refresh_at, record_gone, origin, failed_by, age_boot, age_elapsed, age_least, age_exact,"
    " age_dated";
inline constexpr std::string_view nexthop_columns =
    "nexthop, dane, dane_seen_at, verdict, row, verdict_since, seen_at, dane_by";
inline constexpr std::string_view history_columns =
    "nexthop, at, kind, before, after, row, reasons";

// The columns are sts_columns, from `first` on.
[[nodiscard]] StsRow sts_at(sqlite3_stmt* s, Domain domain, int first = 0);
// The columns are nexthop_columns.
[[nodiscard]] NexthopRow nexthop_at(sqlite3_stmt* s);
// The columns are history_columns.
[[nodiscard]] HistoryRow history_at(sqlite3_stmt* s);

} // namespace postseal::store
