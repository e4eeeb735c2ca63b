// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"
#include "store/statement.h"

#include <fmt/format.h>

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

} // namespace

// Whether half of the places of names that promise nothing are taken.
DbResult<bool> Database::is_crowded() {
    const auto count = prepare("SELECT max(n) FROM census WHERE what = 'without-promise'");
    if (!count) return std::unexpected(count.error());
    const int rc = sqlite3_step(count->get());
    if (rc != SQLITE_ROW) return db_error(db_.get(), rc, "read", path_);
    return sqlite3_column_int64(count->get(), 0) >
           static_cast<sqlite3_int64>(max_without_promise / 2);
}

// Goes by key, for which every table has its order already; an index by time would cost each save.
DbResult<bool> Database::prune(WallTime before, std::size_t keys) {
    const Prunable& of = prunable[pruning_.table];
    const auto next = prepare(
        fmt::format("SELECT max(k), count(*) FROM (SELECT DISTINCT {0} AS k FROM {1} WHERE {0} > ?1"
                    " ORDER BY {0} LIMIT ?2)",
                    of.key, of.table));
    if (!next) return std::unexpected(next.error());
    bind_text(next->get(), 1, pruning_.after);
    sqlite3_bind_int64(next->get(), 2, static_cast<sqlite3_int64>(keys));
    const int rc = sqlite3_step(next->get());
    if (rc != SQLITE_ROW) return db_error(db_.get(), rc, "read", path_);
    const std::string last = text_at(next->get(), 0);
    const bool at_end = sqlite3_column_int64(next->get(), 1) < static_cast<sqlite3_int64>(keys);
    sqlite3_reset(next->get());

    const auto crowded = is_crowded();
    if (!crowded) return std::unexpected(crowded.error());
    for (const bool sooner : {false, true}) {
        if (sooner && !*crowded) continue;
        const auto drop =
            prepare(fmt::format("DELETE FROM {1} WHERE {0} > ?1 AND {0} <= ?2 AND {2}", of.key,
                                of.table, sooner ? of.without_promise : of.old));
        if (!drop) return std::unexpected(drop.error());
        bind_text(drop->get(), 1, pruning_.after);
        bind_text(drop->get(), 2, last);
        bind_time(drop->get(), 3, sooner ? before + pruned_sooner : before);
        if (auto done = run(drop->get()); !done) return std::unexpected(done.error());
    }

    if (!at_end) {
        pruning_.after = last;
        return false;
    }
    pruning_ = {.table = (pruning_.table + 1) % std::size(prunable), .after = {}};
    return pruning_.table == 0;
}

// At once: what is moved in part would be moved again.
DbResult<> Database::clock_jumped(const ClockJump& jump) {
    if (auto begun = run(begin_.get()); !begun) return begun;
    auto moved = move_times(jump);
    if (moved) moved = run(commit_.get());
    if (!moved && sqlite3_get_autocommit(db_.get()) == 0) {
        [[maybe_unused]] const auto undone = run(rollback_.get());
    }
    return moved;
}

// As rescheduled() does it. At a start nothing is moved, and the indexes find what lies too far
// ahead.
DbResult<> Database::move_times(const ClockJump& jump) {
    const milliseconds by = jump.to - jump.from;
    if (by != milliseconds(0)) {
        const auto move = prepare("UPDATE sts SET refresh_at = max(1, refresh_at + ?1)"
                                  " WHERE refresh_at <> 0");
        if (!move) return std::unexpected(move.error());
        sqlite3_bind_int64(move->get(), 1, by.count());
        if (auto moved = run(move->get()); !moved) return moved;
    }
    const auto cap = prepare("UPDATE sts SET refresh_at = ?1"
                             " WHERE refresh_at <> 0 AND refresh_at > ?1");
    if (!cap) return std::unexpected(cap.error());
    bind_time(cap->get(), 1, jump.to + max_refresh);
    if (auto capped = run(cap->get()); !capped) return capped;
    const auto retry = prepare("UPDATE sts SET refresh_at = ?1"
                               " WHERE failures <> 0 AND failed_at > ?2 AND refresh_at > ?1");
    if (!retry) return std::unexpected(retry.error());
    bind_time(retry->get(), 1, jump.to + max_retry);
    bind_time(retry->get(), 2, jump.to);
    return run(retry->get());
}

} // namespace postseal::store
