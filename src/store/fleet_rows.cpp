// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"
#include "store/each.h"
#include "store/statement.h"

namespace postseal::store {

// Few rows a day on most machines, none on one without a fleet: not worth statements kept ready.
DbResult<> Database::put(const Unshared& row) {
    const auto statement = prepare(
        row.shared ? "DELETE FROM unshared WHERE key = ?1"
                   : "INSERT INTO unshared (key, forgotten_at) VALUES (?1, ?2) ON CONFLICT (key)"
                     " DO UPDATE SET forgotten_at = max(forgotten_at, ?2)");
    if (!statement) return std::unexpected(statement.error());
    bind_text(statement->get(), 1, row.key);
    if (!row.shared) bind_time(statement->get(), 2, row.forgotten_at);
    return run(statement->get());
}

DbResult<> Database::put(const FleetFact& fact) {
    const auto statement = prepare("REPLACE INTO fleet (name, value) VALUES (?1, ?2)");
    if (!statement) return std::unexpected(statement.error());
    bind_text(statement->get(), 1, fact.name);
    bind_text(statement->get(), 2, fact.value);
    return run(statement->get());
}

DbResult<> Database::all_unshared() {
    for (const char* from : {"SELECT 'sts/' || domain, 0 FROM sts WHERE true",
                             "SELECT 'nexthop/' || nexthop, 0 FROM nexthop WHERE true"}) {
        const auto statement =
            prepare(std::string("INSERT INTO unshared ") + from + " ON CONFLICT (key) DO NOTHING");
        if (!statement) return std::unexpected(statement.error());
        if (auto done = run(statement->get()); !done) return done;
    }
    return {};
}

DbResult<FleetState> Database::fleet_state(std::size_t most) {
    FleetState state;
    const auto facts = prepare("SELECT name, value FROM fleet");
    if (!facts) return std::unexpected(facts.error());
    auto done = each(facts->get(), [&](sqlite3_stmt* s) {
        state.facts.push_back({.name = text_at(s, 0), .value = text_at(s, 1)});
    });
    if (!done) return std::unexpected(std::move(done.error()));
    const auto keys = prepare("SELECT key, forgotten_at FROM unshared ORDER BY key LIMIT ?1");
    if (!keys) return std::unexpected(keys.error());
    sqlite3_bind_int64(keys->get(), 1, static_cast<sqlite3_int64>(most));
    done = each(keys->get(), [&](sqlite3_stmt* s) {
        state.unshared.push_back({.key = text_at(s, 0), .forgotten_at = time_at(s, 1)});
    });
    if (!done) return std::unexpected(std::move(done.error()));
    const auto count = prepare("SELECT count(*) FROM unshared");
    if (!count) return std::unexpected(count.error());
    done = each(count->get(), [&](sqlite3_stmt* s) {
        state.unshared_in_all = static_cast<std::size_t>(sqlite3_column_int64(s, 0));
    });
    if (!done) return std::unexpected(std::move(done.error()));
    return state;
}

} // namespace postseal::store
