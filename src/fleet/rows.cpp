// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

namespace postseal::fleet {
namespace {

void add(std::string& values, Params& params, Params row) {
    values += values.empty() ? "(" : ", (";
    for (std::size_t i = 1; i <= row.size(); i++)
        values += fmt::format("{}${}", i == 1 ? "" : ", ", params.size() + i);
    values += ')';
    std::ranges::move(row, std::back_inserter(params));
}

// Nothing: its domain is none.
std::optional<Policy> policy_at(const Rows& rows, int row) {
    auto domain = Domain::parse(rows.text(row, 0));
    if (!domain) return std::nullopt;
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    const auto failures = std::clamp<std::int64_t>(rows.number(row, 5), 0, most);
    return Policy{.row = {.domain = std::move(*domain),
                          .body = rows.octets(row, 1),
                          .id = rows.text(row, 2),
                          .fetched_at = rows.time(row, 3),
                          .expires_at = rows.time(row, 4),
                          .failures = static_cast<std::uint32_t>(failures),
                          .failed_id = rows.text(row, 6),
                          .fault = rows.text(row, 7),
                          .reason = rows.text(row, 8),
                          .failed_at = rows.time(row, 9),
                          .retry_at = rows.time(row, 10),
                          .failed_by = rows.text(row, 14),
                          .refresh_at = rows.time(row, 11),
                          .record_gone = rows.flag(row, 12),
                          .origin = rows.text(row, 13)},
                  .forgotten_at = rows.time(row, 15)};
}

Look look_at(const Rows& rows, int row) {
    return {.row = {.nexthop = rows.text(row, 0),
                    .dane = rows.flag(row, 1),
                    .dane_seen_at = rows.time(row, 2),
                    .dane_by = rows.text(row, 3),
                    .verdict = rows.text(row, 4),
                    .row = static_cast<int>(rows.number(row, 5)),
                    .verdict_since = rows.time(row, 6),
                    .seen_at = rows.time(row, 7)},
            .forgotten_at = rows.time(row, 8)};
}

} // namespace

template <> std::vector<Policy> read(const Rows& rows, int count) {
    std::vector<Policy> found;
    for (int row = 0; row < count; row++)
        if (auto policy = policy_at(rows, row)) found.push_back(std::move(*policy));
    return found;
}

template <> std::vector<Look> read(const Rows& rows, int count) {
    std::vector<Look> found;
    found.reserve(static_cast<std::size_t>(count));
    for (int row = 0; row < count; row++)
        found.push_back(look_at(rows, row));
    return found;
}

void add_row(std::string& values, Params& params, const Policy& policy, WallTime now,
             std::int64_t version) {
    const store::StsRow& row = policy.row;
    add(values, params,
        {Param::of(row.domain.name()), Param::octets(row.body), Param::of(row.id),
         Param::of(row.fetched_at), Param::of(row.expires_at),
         Param::of(std::int64_t{row.failures}), Param::of(row.failed_id), Param::of(row.fault),
         Param::of(row.reason), Param::of(row.failed_at), Param::of(row.retry_at),
         Param::of(row.refresh_at), Param::flag(row.record_gone), Param::of(row.origin),
         Param::of(row.failed_by), Param::of(policy.forgotten_at), Param::of(now),
         Param::of(version)});
}

void add_row(std::string& values, Params& params, const Look& look, WallTime now,
             std::int64_t version) {
    const store::NexthopRow& row = look.row;
    add(values, params,
        {Param::of(row.nexthop), Param::flag(row.dane), Param::of(row.dane_seen_at),
         Param::of(row.dane_by), Param::of(row.verdict), Param::of(std::int64_t{row.row}),
         Param::of(row.verdict_since), Param::of(row.seen_at), Param::of(look.forgotten_at),
         Param::of(now), Param::of(version)});
}

std::string upsert(const Table& table, std::string_view values) {
    const std::string all = fmt::format("{}, changed_at, version", table.columns);
    std::string set;
    for (std::string_view rest = all; !rest.empty();) {
        const auto end = std::min(rest.find(", "), rest.size());
        const std::string_view column = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 2, rest.size()));
        if (column != table.key)
            set += fmt::format("{0}{1} = excluded.{1}", set.empty() ? "" : ", ", column);
    }
    return fmt::format("INSERT INTO {} ({}) VALUES {} ON CONFLICT ({}) DO UPDATE SET {}",
                       table.name, all, values, table.key, set);
}

} // namespace postseal::fleet
