// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"
#include "store/each.h"
#include "store/row_columns.h"
#include "store/statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace postseal::store {
namespace {

// The columns are nexthop_columns.
NexthopRow nexthop_at(sqlite3_stmt* s) {
    return {.nexthop = text_at(s, 0),
            .dane = sqlite3_column_int64(s, 1) != 0,
            .dane_seen_at = time_at(s, 2),
            .dane_by = text_at(s, 7),
            .verdict = text_at(s, 3),
            .row = sqlite3_column_int(s, 4),
            .verdict_since = time_at(s, 5),
            .seen_at = time_at(s, 6)};
}

// The columns are sts_columns, from `first` on.
StsRow sts_at(sqlite3_stmt* s, Domain domain, int first = 0) {
    constexpr sqlite3_int64 most = std::numeric_limits<std::uint32_t>::max();
    const auto number = [&](int column) { return sqlite3_column_int64(s, first + column); };
    const auto text = [&](int column) { return text_at(s, first + column); };
    const auto time = [&](int column) { return time_at(s, first + column); };
    return {.domain = std::move(domain),
            .body = text(0),
            .id = text(1),
            .fetched_at = time(2),
            .expires_at = time(3),
            .age = {.boot = text(14),
                    .elapsed = milliseconds(number(15)),
                    .least = milliseconds(number(16)),
                    .exact = number(17) != 0,
                    .dated = number(18) != 0},
            .failures = static_cast<std::uint32_t>(std::clamp<sqlite3_int64>(number(4), 0, most)),
            .failed_id = text(5),
            .fault = text(6),
            .reason = text(7),
            .failed_at = time(8),
            .retry_at = time(9),
            .failed_by = text(13),
            .refresh_at = time(10),
            .record_gone = number(11) != 0,
            .origin = text(12)};
}

HistoryRow history_at(sqlite3_stmt* s) {
    return {.nexthop = text_at(s, 0),
            .at = time_at(s, 1),
            .kind = sqlite3_column_int64(s, 2) == 1 ? HistoryRow::Kind::downgrade
                                                    : HistoryRow::Kind::verdict,
            .before = text_at(s, 3),
            .after = text_at(s, 4),
            .row = sqlite3_column_int(s, 5),
            .reasons = text_at(s, 6)};
}

} // namespace

DbResult<std::optional<StsRow>> Database::find_sts(const Domain& domain) {
    sqlite3_stmt* s = find_sts_.get();
    const Reset reset(s);
    bind_text(s, 1, domain.name());
    const int rc = sqlite3_step(s);
    if (rc == SQLITE_DONE) return std::nullopt;
    if (rc != SQLITE_ROW) return db_error(db_.get(), rc, "read", path_);
    return sts_at(s, domain);
}

DbResult<std::vector<RefreshDue>> Database::next_refreshes(std::size_t most) {
    sqlite3_stmt* s = next_refreshes_.get();
    const Reset reset(s);
    sqlite3_bind_int64(s, 1, static_cast<sqlite3_int64>(most));
    std::vector<RefreshDue> next;
    int rc = SQLITE_ROW;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
        if (auto domain = Domain::parse(text_at(s, 0)))
            next.push_back({.domain = std::move(*domain), .at = time_at(s, 1)});
    if (rc != SQLITE_DONE) return db_error(db_.get(), rc, "read", path_);
    return next;
}

DbResult<std::optional<NexthopRow>> Database::find_nexthop(const std::string& nexthop) {
    sqlite3_stmt* s = find_nexthop_.get();
    const Reset reset(s);
    bind_text(s, 1, nexthop);
    const int rc = sqlite3_step(s);
    if (rc == SQLITE_DONE) return std::nullopt;
    if (rc != SQLITE_ROW) return db_error(db_.get(), rc, "read", path_);
    return nexthop_at(s);
}

DbResult<> Database::put(const StsRow& row) {
    if (row.replaces || is_blank(row)) {
        bind_text(drop_sts_.get(), 1, row.domain.name());
        if (auto done = run(drop_sts_.get()); !done || is_blank(row)) return done;
    }
    sqlite3_stmt* s = row.body.empty() ? put_without_policy_.get() : put_sts_.get();
    bind_text(s, 1, row.domain.name());
    sqlite3_bind_blob64(s, 2, row.body.data(), row.body.size(), SQLITE_STATIC);
    bind_text(s, 3, row.id);
    bind_time(s, 4, row.fetched_at);
    bind_time(s, 5, row.expires_at);
    sqlite3_bind_int64(s, 6, row.failures);
    bind_text(s, 7, row.failed_id);
    bind_text(s, 8, row.fault);
    bind_text(s, 9, row.reason);
    bind_time(s, 10, row.failed_at);
    bind_time(s, 11, row.retry_at);
    bind_time(s, 12, row.refresh_at);
    sqlite3_bind_int64(s, 13, row.record_gone ? 1 : 0);
    const auto mode = held_mode(row);
    bind_text(s, 14, mode ? to_string(*mode) : "");
    bind_text(s, 15, row.origin);
    bind_text(s, 16, row.failed_by);
    bind_text(s, 17, row.age.boot);
    sqlite3_bind_int64(s, 18, row.age.elapsed.count());
    sqlite3_bind_int64(s, 19, row.age.least.count());
    sqlite3_bind_int64(s, 20, row.age.exact ? 1 : 0);
    sqlite3_bind_int64(s, 21, row.age.dated ? 1 : 0);
    return run(s);
}

DbResult<> Database::put(const NexthopRow& row) {
    if (row.replaces || is_blank(row)) {
        bind_text(drop_nexthop_.get(), 1, row.nexthop);
        if (auto done = run(drop_nexthop_.get()); !done || is_blank(row)) return done;
    }
    sqlite3_stmt* s = promises_nothing(row) ? put_without_promise_.get() : put_nexthop_.get();
    bind_text(s, 1, row.nexthop);
    sqlite3_bind_int64(s, 2, row.dane ? 1 : 0);
    bind_time(s, 3, row.dane_seen_at);
    bind_text(s, 4, row.verdict);
    sqlite3_bind_int64(s, 5, row.row);
    bind_time(s, 6, row.verdict_since);
    bind_time(s, 7, row.seen_at);
    bind_text(s, 8, row.dane_by);
    return run(s);
}

DbResult<> Database::put(const HistoryRow& row) {
    sqlite3_stmt* s = put_history_.get();
    bind_text(s, 1, row.nexthop);
    bind_time(s, 2, row.at);
    sqlite3_bind_int64(s, 3, row.kind == HistoryRow::Kind::downgrade ? 1 : 0);
    bind_text(s, 4, row.before);
    bind_text(s, 5, row.after);
    sqlite3_bind_int64(s, 6, row.row);
    bind_text(s, 7, row.reasons);
    if (auto done = run(s); !done || row.kind != HistoryRow::Kind::verdict) return done;
    bind_text(trim_history_.get(), 1, row.nexthop);
    sqlite3_bind_int64(trim_history_.get(), 2, max_history_without_promise - 1);
    return run(trim_history_.get());
}

DbResult<> Database::put_all(const Batch& batch) {
    for (const StsRow& row : batch.sts.rows())
        if (auto done = put(row); !done) return done;
    for (const NexthopRow& row : batch.nexthops.rows())
        if (auto done = put(row); !done) return done;
    for (const HistoryRow& row : batch.history.rows())
        if (auto done = put(row); !done) return done;
    for (const Unshared& row : batch.unshared.rows())
        if (auto done = put(row); !done) return done;
    for (const FleetFact& fact : batch.fleet.rows())
        if (auto done = put(fact); !done) return done;
    return run(commit_.get());
}

DbResult<std::vector<HistoryRow>> Database::history(const std::string& nexthop, std::size_t most) {
    const auto prepared = prepare("SELECT nexthop, at, kind, before, after, row, reasons"
                                  " FROM history WHERE nexthop = ?1 ORDER BY at DESC LIMIT ?2");
    if (!prepared) return std::unexpected(prepared.error());
    bind_text(prepared->get(), 1, nexthop);
    sqlite3_bind_int64(prepared->get(), 2, static_cast<sqlite3_int64>(most));
    std::vector<HistoryRow> rows;
    auto done = each(prepared->get(), [&](sqlite3_stmt* s) { rows.push_back(history_at(s)); });
    if (!done) return std::unexpected(std::move(done.error()));
    return rows;
}

DbResult<std::vector<HistoryRow>> Database::latest(HistoryRow::Kind kind, std::size_t most) {
    const auto prepared = prepare("SELECT nexthop, at, kind, before, after, row, reasons"
                                  " FROM history WHERE kind = ?1 ORDER BY at DESC LIMIT ?2");
    if (!prepared) return std::unexpected(prepared.error());
    sqlite3_bind_int64(prepared->get(), 1, kind == HistoryRow::Kind::downgrade ? 1 : 0);
    sqlite3_bind_int64(prepared->get(), 2, static_cast<sqlite3_int64>(most));
    std::vector<HistoryRow> rows;
    auto done = each(prepared->get(), [&](sqlite3_stmt* s) { rows.push_back(history_at(s)); });
    if (!done) return std::unexpected(std::move(done.error()));
    return rows;
}

// Its columns are the domain and sts_columns.
DbResult<std::vector<StsRow>> Database::all_sts(sqlite3_stmt* statement) {
    std::vector<StsRow> rows;
    auto done = each(statement, [&](sqlite3_stmt* s) {
        if (auto domain = Domain::parse(text_at(s, 0)))
            rows.push_back(sts_at(s, std::move(*domain), 1));
    });
    if (!done) return std::unexpected(std::move(done.error()));
    return rows;
}

DbResult<std::vector<StsRow>> Database::failing(std::size_t most) {
    const auto prepared = prepare(fmt::format("SELECT domain, {} FROM sts WHERE failures <> 0"
                                              " ORDER BY failed_at DESC LIMIT ?1",
                                              sts_columns));
    if (!prepared) return std::unexpected(prepared.error());
    sqlite3_bind_int64(prepared->get(), 1, static_cast<sqlite3_int64>(most));
    return all_sts(prepared->get());
}

DbResult<std::vector<StsRow>> Database::policies(const std::string& after, std::size_t most) {
    const auto prepared = prepare(fmt::format("SELECT domain, {} FROM sts WHERE domain > ?1"
                                              " ORDER BY domain LIMIT ?2",
                                              sts_columns));
    if (!prepared) return std::unexpected(prepared.error());
    bind_text(prepared->get(), 1, after);
    sqlite3_bind_int64(prepared->get(), 2, static_cast<sqlite3_int64>(most));
    return all_sts(prepared->get());
}

DbResult<Census> Database::census(WallTime now) {
    const auto prepared =
        prepare("SELECT what, kind, n FROM census WHERE n > 0 AND what IN ('mode', 'verdict')"
                " UNION ALL SELECT 'failing', '', count(*) FROM sts WHERE failures <> 0"
                " UNION ALL SELECT 'due', '', count(*) FROM"
                " (SELECT 1 FROM sts WHERE refresh_at <> 0 AND refresh_at <= ?1 LIMIT ?2)");
    if (!prepared) return std::unexpected(prepared.error());
    bind_time(prepared->get(), 1, now);
    sqlite3_bind_int64(prepared->get(), 2, static_cast<sqlite3_int64>(Census::most_due));
    Census census;
    auto done = each(prepared->get(), [&](sqlite3_stmt* s) {
        const std::string what = text_at(s, 0);
        const auto n = static_cast<std::uint64_t>(sqlite3_column_int64(s, 2));
        if (what == "mode")
            census.modes[text_at(s, 1)] = n;
        else if (what == "verdict")
            census.verdicts[text_at(s, 1)] = n;
        else
            (what == "due" ? census.due : census.failing) = n;
    });
    if (!done) return std::unexpected(std::move(done.error()));
    return census;
}

DbResult<std::vector<NexthopRow>> Database::nexthops(const std::string& after, std::size_t most) {
    const auto prepared = prepare(fmt::format("SELECT {} FROM nexthop WHERE nexthop > ?1"
                                              " ORDER BY nexthop LIMIT ?2",
                                              nexthop_columns));
    if (!prepared) return std::unexpected(prepared.error());
    bind_text(prepared->get(), 1, after);
    sqlite3_bind_int64(prepared->get(), 2, static_cast<sqlite3_int64>(most));
    std::vector<NexthopRow> rows;
    auto done = each(prepared->get(), [&](sqlite3_stmt* s) { rows.push_back(nexthop_at(s)); });
    if (!done) return std::unexpected(std::move(done.error()));
    return rows;
}

} // namespace postseal::store
