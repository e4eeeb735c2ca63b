// fleet/rows.h: the rows of the shared tables, as columns and as values
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/merge.h"
#include "fleet/postgres.h"

#include <string>
#include <string_view>
#include <vector>

namespace postseal::fleet {

struct Table {
    std::string_view name;
    std::string_view key;
    std::string_view columns; // the key is the first
    int column_count;
};
template <class T> inline constexpr Table table_of{};
template <>
inline constexpr Table table_of<Policy>{
    "postseal_sts", "domain",
    "domain, body, id, fetched_at, expires_at, failures, failed_id, fault, reason, failed_at, "
    "retry_at, refresh_at, record_gone, origin, failed_by, forgotten_at",
    16};
template <>
inline constexpr Table table_of<Look>{"postseal_nexthop", "nexthop",
                                      "nexthop, dane, dane_seen_at, dane_by, verdict, verdict_row, "
                                      "verdict_since, seen_at, forgotten_at",
                                      9};

[[nodiscard]] inline const std::string& key_of(const Policy& policy) {
    return policy.row.domain.name();
}
[[nodiscard]] inline const std::string& key_of(const Look& look) { return look.row.nexthop; }
// Nothing is known of that one.
[[nodiscard]] inline Policy nothing_of(const Policy& policy) {
    return {.row = {.domain = policy.row.domain}, .forgotten_at = {}};
}
[[nodiscard]] inline Look nothing_of(const Look& look) {
    return {.row = {.nexthop = look.row.nexthop}, .forgotten_at = {}};
}

// Of the first `count` rows, which have the table's columns; one whose domain is none is left out.
template <class T> [[nodiscard]] std::vector<T> read(const Rows& rows, int count);
template <class T> [[nodiscard]] std::vector<T> read(const Rows& rows) {
    return read<T>(rows, rows.size());
}

// One more "($1, $2, ...)" for upsert(), with its parameters.
void add_row(std::string& values, Params& params, const Policy& policy, WallTime now,
             std::int64_t version);
void add_row(std::string& values, Params& params, const Look& look, WallTime now,
             std::int64_t version);
// The table's columns, and changed_at and version behind them.
[[nodiscard]] std::string upsert(const Table& table, std::string_view values);

} // namespace postseal::fleet
