// SPDX-License-Identifier: BSD-3-Clause
#include "store/upkeep.h"

#include "store/select.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace postseal::store {
namespace {

struct Prunable {
    const char* table;
    const char* key;
    const char* old; // when a row is dropped; ?3 is the time before which it must be
    // The same of a name that promises nothing, when half of their places are taken.
    const char* without_promise;
};
constexpr Prunable prunable[] = {
    {"history", "nexthop", "at < ?3",
     "at < ?3 AND kind = 0 AND before <> 'enforce' AND after <> 'enforce' AND NOT EXISTS"
     " (SELECT 1 FROM nexthop AS n WHERE n.nexthop = history.nexthop"
     " AND (n.dane <> 0 OR n.verdict = 'enforce' OR n.seen_at >= ?3))"},
    {"nexthop", "nexthop", "seen_at < ?3", "seen_at < ?3 AND dane = 0 AND verdict <> 'enforce'"},
    // No policy is held any more, and nothing else was lately.
    {"sts", "domain", "refresh_at = 0 AND expires_at < ?3 AND fetched_at < ?3 AND failed_at < ?3",
     "length(body) = 0 AND failed_at < ?3"},
};

// Whether half of the places of names that promise nothing are taken.
DbResult<bool> is_crowded(Connection& connection) {
    sqlite3_int64 taken = 0;
    auto done = select(connection, "SELECT max(n) FROM census WHERE what = 'without-promise'",
                       [&](sqlite3_stmt* s) { taken = sqlite3_column_int64(s, 0); });
    if (!done) return std::unexpected(std::move(done.error()));
    return taken > static_cast<sqlite3_int64>(max_without_promise / 2);
}

// At a start nothing is moved, and the indexes find what lies too far ahead.
DbResult<> move_all_times(Connection& connection, const ClockJump& jump) {
    const milliseconds by = jump.to - jump.from;
    if (by != milliseconds(0)) {
        auto moved = execute(connection,
                             "UPDATE sts SET refresh_at = max(1, refresh_at + ?1)"
                             " WHERE refresh_at <> 0",
                             by.count());
        if (!moved) return moved;
    }
    auto capped = execute(connection,
                          "UPDATE sts SET refresh_at = ?1"
                          " WHERE refresh_at <> 0 AND refresh_at > ?1",
                          jump.to + max_refresh);
    if (!capped) return capped;
    return execute(connection,
                   "UPDATE sts SET refresh_at = ?1"
                   " WHERE failures <> 0 AND failed_at > ?2 AND refresh_at > ?1",
                   jump.to + max_retry, jump.to);
}

} // namespace

// Goes by key, for which every table has its order already; an index by time would cost each save.
DbResult<bool> Pruning::step(Connection& connection, WallTime before, std::size_t keys) {
    const Prunable& of = prunable[table_];
    std::string last;
    bool at_end = true;
    auto next = select(
        connection,
        fmt::format("SELECT max(k), count(*) FROM (SELECT DISTINCT {0} AS k FROM {1} WHERE {0} > ?1"
                    " ORDER BY {0} LIMIT ?2)",
                    of.key, of.table),
        [&](sqlite3_stmt* s) {
            last = text_at(s, 0);
            at_end = sqlite3_column_int64(s, 1) < static_cast<sqlite3_int64>(keys);
        },
        after_, keys);
    if (!next) return std::unexpected(std::move(next.error()));

    const auto crowded = is_crowded(connection);
    if (!crowded) return std::unexpected(crowded.error());
    for (const bool sooner : {false, true}) {
        if (sooner && !*crowded) continue;
        auto done = execute(connection,
                            fmt::format("DELETE FROM {1} WHERE {0} > ?1 AND {0} <= ?2 AND {2}",
                                        of.key, of.table, sooner ? of.without_promise : of.old),
                            after_, last, sooner ? before + pruned_sooner : before);
        if (!done) return std::unexpected(std::move(done.error()));
    }

    if (!at_end) {
        after_ = last;
        return false;
    }
    after_.clear();
    table_ = (table_ + 1) % std::size(prunable);
    return table_ == 0;
}

DbResult<> move_times(Connection& connection, const ClockJump& jump) {
    return connection.transaction([&] { return move_all_times(connection, jump); });
}

} // namespace postseal::store
