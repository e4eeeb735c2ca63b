// store/row_columns.h: the columns of a row, in the order in which queries.cpp reads them
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

namespace postseal::store {

inline constexpr std::string_view sts_columns =
    "body, id, fetched_at, expires_at, failures, failed_id, fault, reason, failed_at, retry_at,"
    " refresh_at, record_gone, origin, failed_by, age_boot, age_elapsed, age_least, age_exact,"
    " age_dated";
inline constexpr std::string_view nexthop_columns =
    "nexthop, dane, dane_seen_at, verdict, row, verdict_since, seen_at, dane_by";

} // namespace postseal::store
