// fleet/rows.h: the rows of the shared tables, as columns and as values
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/merge.h"
#include "fleet/postgres.h"

#include <optional>
#include <string>
#include <string_view>

namespace postseal::fleet {

inline constexpr std::string_view sts_columns =
    "domain, body, id, fetched_at, expires_at, failures, failed_id, fault, reason, failed_at, "
    "retry_at, refresh_at, record_gone, origin, forgotten_at";
inline constexpr int sts_column_count = 15;
inline constexpr std::string_view nexthop_columns =
    "nexthop, dane, dane_seen_at, verdict, verdict_row, verdict_since, seen_at, forgotten_at";
inline constexpr int nexthop_column_count = 8;

// Nothing: its domain is none.
[[nodiscard]] std::optional<Policy> policy_at(const Rows& rows, int row);
[[nodiscard]] Look look_at(const Rows& rows, int row);

// One more "($1, $2, ...)" for upsert(), with its parameters.
void add_row(std::string& values, Params& params, const Policy& policy, WallTime now,
             std::int64_t version);
void add_row(std::string& values, Params& params, const Look& look, WallTime now,
             std::int64_t version);
// `columns`, and changed_at and version behind them.
[[nodiscard]] std::string upsert(std::string_view table, std::string_view columns,
                                 std::string_view key, std::string_view values);

} // namespace postseal::fleet
