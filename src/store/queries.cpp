// SPDX-License-Identifier: BSD-3-Clause
#include "store/queries.h"

#include "store/row_columns.h"
#include "store/select.h"

#include <fmt/format.h>

#include <expected>
#include <string_view>
#include <utility>

namespace postseal::store {
namespace {

std::optional<HistoryRow> some_history(sqlite3_stmt* s) { return history_at(s); }
std::optional<NexthopRow> some_nexthop(sqlite3_stmt* s) { return nexthop_at(s); }
// Its columns are the domain and sts_columns.
std::optional<StsRow> some_policy(sqlite3_stmt* s) {
    auto domain = Domain::parse(text_at(s, 0));
    if (!domain) return std::nullopt;
    return sts_at(s, *std::move(domain), 1);
}

template <class Value>
DbResult<std::vector<HistoryRow>> latest_of(Connection& connection, std::string_view column,
                                            const Value& value, std::size_t most) {
    return select_rows(connection,
                       fmt::format("SELECT {} FROM history WHERE {} = ?1"
                                   " ORDER BY at DESC LIMIT ?2",
                                   history_columns, column),
                       some_history, value, most);
}

} // namespace

DbResult<std::vector<HistoryRow>> history_of(Connection& connection, const std::string& nexthop,
                                             std::size_t most) {
    return latest_of(connection, "nexthop", nexthop, most);
}

DbResult<std::vector<HistoryRow>> latest_history(Connection& connection, HistoryRow::Kind kind,
                                                 std::size_t most) {
    return latest_of(connection, "kind", kind == HistoryRow::Kind::downgrade ? 1 : 0, most);
}

DbResult<std::vector<NexthopRow>> nexthops_after(Connection& connection, const std::string& after,
                                                 std::size_t most) {
    return select_rows(connection,
                       fmt::format("SELECT {} FROM nexthop WHERE nexthop > ?1"
                                   " ORDER BY nexthop LIMIT ?2",
                                   nexthop_columns),
                       some_nexthop, after, most);
}

DbResult<std::vector<StsRow>> policies_after(Connection& connection, const std::string& after,
                                             std::size_t most) {
    return select_rows(
        connection,
        fmt::format("SELECT domain, {} FROM sts WHERE domain > ?1 ORDER BY domain LIMIT ?2",
                    sts_columns),
        some_policy, after, most);
}

DbResult<std::vector<Listed>> listed_after(Connection& connection, const std::string& after,
                                           std::size_t most) {
    auto nexthops = nexthops_after(connection, after, most);
    if (!nexthops) return std::unexpected(std::move(nexthops.error()));
    const auto find =
        connection.prepare(fmt::format("SELECT {} FROM sts WHERE domain = ?1", sts_columns));
    if (!find) return std::unexpected(find.error());
    std::vector<Listed> list;
    for (NexthopRow& row : *nexthops) {
        Listed& next = list.emplace_back(Listed{.nexthop = std::move(row), .sts = {}});
        const auto domain = policy_domain(next.nexthop);
        if (!domain) continue;
        bind_all(find->get(), domain->name());
        auto found =
            connection.each(find->get(), [&](sqlite3_stmt* s) { next.sts = sts_at(s, *domain); });
        if (!found) return std::unexpected(std::move(found.error()));
    }
    return list;
}

DbResult<std::vector<StsRow>> failing_policies(Connection& connection, std::size_t most) {
    return select_rows(connection,
                       fmt::format("SELECT domain, {} FROM sts WHERE failures <> 0"
                                   " ORDER BY failed_at DESC LIMIT ?1",
                                   sts_columns),
                       some_policy, most);
}

DbResult<Census> census(Connection& connection, WallTime now) {
    Census census;
    const Connection::Take take = [&](sqlite3_stmt* s) {
        const std::string what = text_at(s, 0);
        const auto n = static_cast<std::uint64_t>(sqlite3_column_int64(s, 2));
        if (what == "mode")
            census.modes[text_at(s, 1)] = n;
        else if (what == "verdict")
            census.verdicts[text_at(s, 1)] = n;
        else
            (what == "due" ? census.due : census.failing) = n;
    };
    auto done =
        select(connection,
               "SELECT what, kind, n FROM census WHERE n > 0 AND what IN ('mode', 'verdict')"
               " UNION ALL SELECT 'failing', '', count(*) FROM sts WHERE failures <> 0"
               " UNION ALL SELECT 'due', '', count(*) FROM"
               " (SELECT 1 FROM sts WHERE refresh_at <> 0 AND refresh_at <= ?1 LIMIT ?2)",
               take, now, Census::max_due);
    if (!done) return std::unexpected(std::move(done.error()));
    return census;
}

} // namespace postseal::store
