// SPDX-License-Identifier: BSD-3-Clause
#include "store/fleet_rows.h"

#include "store/select.h"

#include <expected>
#include <utility>

namespace postseal::store {

DbResult<> put(Connection& connection, const Unshared& row) {
    if (row.shared) return execute(connection, "DELETE FROM unshared WHERE key = ?1", row.key);
    return execute(connection,
                   "INSERT INTO unshared (key, forgotten_at) VALUES (?1, ?2) ON CONFLICT (key)"
                   " DO UPDATE SET forgotten_at = max(forgotten_at, ?2)",
                   row.key, row.forgotten_at);
}

DbResult<> put(Connection& connection, const FleetFact& fact) {
    return execute(connection, "REPLACE INTO fleet (name, value) VALUES (?1, ?2)", fact.name,
                   fact.value);
}

DbResult<> mark_all_unshared(Connection& connection) {
    for (const char* from : {"SELECT 'sts/' || domain, 0 FROM sts WHERE true",
                             "SELECT 'nexthop/' || nexthop, 0 FROM nexthop WHERE true"}) {
        auto done = execute(connection, std::string("INSERT INTO unshared ") + from +
                                            " ON CONFLICT (key) DO NOTHING");
        if (!done) return done;
    }
    return {};
}

DbResult<FleetState> fleet_state(Connection& connection, std::size_t most) {
    FleetState state;
    auto done = select(connection, "SELECT name, value FROM fleet", [&](sqlite3_stmt* s) {
        state.facts.push_back({.name = text_at(s, 0), .value = text_at(s, 1)});
    });
    if (!done) return std::unexpected(std::move(done.error()));
    done = select(
        connection, "SELECT key, forgotten_at FROM unshared ORDER BY key LIMIT ?1",
        [&](sqlite3_stmt* s) {
            state.unshared.push_back(
                {.key = text_at(s, 0), .forgotten_at = time_or_never_at(s, 1)});
        },
        most);
    if (!done) return std::unexpected(std::move(done.error()));
    done = select(connection, "SELECT count(*) FROM unshared", [&](sqlite3_stmt* s) {
        state.unshared_in_all = static_cast<std::size_t>(sqlite3_column_int64(s, 0));
    });
    if (!done) return std::unexpected(std::move(done.error()));
    return state;
}

} // namespace postseal::store
