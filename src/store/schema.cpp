// SPDX-License-Identifier: BSD-3-Clause
#include "store/schema.h"

#include "store/statement.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::store {
namespace {

// A policy's row is too long for WITHOUT ROWID to pay; a nexthop's is nearly all key.
constexpr SchemaStep steps_of_postseal[] = {
    {R"sql(
CREATE TABLE sts (
    domain     TEXT PRIMARY KEY NOT NULL,
    body       BLOB NOT NULL,
    id         TEXT NOT NULL,
    fetched_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    failures   INTEGER NOT NULL,
    failed_id  TEXT NOT NULL,
    fault      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    failed_at  INTEGER NOT NULL,
    retry_at   INTEGER NOT NULL
) STRICT;
CREATE TABLE dane (
    nexthop TEXT PRIMARY KEY NOT NULL,
    dane    INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql"},
    // The refresh of a policy comes from the store, in order of time.
    {R"sql(
ALTER TABLE sts ADD COLUMN refresh_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sts ADD COLUMN record_gone INTEGER NOT NULL DEFAULT 0;
UPDATE sts SET refresh_at = fetched_at + 86400000 WHERE length(body) > 0;
CREATE INDEX sts_by_refresh ON sts (refresh_at, domain) WHERE refresh_at <> 0;
)sql"},
    // A nexthop's last verdict, and the history of them.
    {R"sql(
CREATE TABLE nexthop (
    nexthop       TEXT PRIMARY KEY NOT NULL,
    dane          INTEGER NOT NULL,
    dane_seen_at  INTEGER NOT NULL,
    verdict       TEXT NOT NULL,
    row           INTEGER NOT NULL,
    verdict_since INTEGER NOT NULL,
    seen_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO nexthop SELECT nexthop, dane, seen_at, '', 0, 0, seen_at FROM dane;
DROP TABLE dane;
CREATE TABLE history (
    nexthop TEXT NOT NULL,
    at      INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    before  TEXT NOT NULL,
    after   TEXT NOT NULL,
    row     INTEGER NOT NULL,
    reasons TEXT NOT NULL,
    PRIMARY KEY (nexthop, at, kind, before)
) STRICT, WITHOUT ROWID;
)sql"},
    // How many there are of what, counted as rows come and go: nobody must count millions. The mode
    // of a policy held is in its body; as it is found here it holds until the day's refresh.
    {R"sql(
ALTER TABLE sts ADD COLUMN mode TEXT NOT NULL DEFAULT '';
UPDATE sts SET mode = CAST(body AS TEXT) WHERE refresh_at <> 0 AND length(body) > 0;
UPDATE sts SET mode = ltrim(substr(mode, instr(mode, 'mode:') + 5)) WHERE mode <> '';
UPDATE sts SET mode = CASE WHEN mode LIKE 'enforce%' THEN 'enforce'
                           WHEN mode LIKE 'testing%' THEN 'testing' ELSE 'none' END
    WHERE mode <> '';
CREATE INDEX sts_by_failure ON sts (failed_at) WHERE failures <> 0;
CREATE INDEX history_by_time ON history (kind, at);
CREATE TABLE census (
    what TEXT NOT NULL,
    kind TEXT NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (what, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO census SELECT 'mode', mode, count(*) FROM sts WHERE mode <> '' GROUP BY mode;
INSERT INTO census SELECT 'verdict', verdict, count(*) FROM
    (SELECT iif(verdict LIKE 'override %', 'override', verdict) AS verdict FROM nexthop)
    GROUP BY verdict;
CREATE TRIGGER sts_added AFTER INSERT ON sts WHEN new.mode <> '' BEGIN
    INSERT INTO census VALUES ('mode', new.mode, 1) ON CONFLICT (what, kind) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER sts_dropped AFTER DELETE ON sts WHEN old.mode <> '' BEGIN
    UPDATE census SET n = n - 1 WHERE what = 'mode' AND kind = old.mode;
END;
CREATE TRIGGER sts_changed AFTER UPDATE OF mode ON sts WHEN old.mode <> new.mode BEGIN
    UPDATE census SET n = n - 1 WHERE what = 'mode' AND kind = old.mode;
    INSERT INTO census SELECT 'mode', new.mode, 1 WHERE new.mode <> ''
        ON CONFLICT (what, kind) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER nexthop_added AFTER INSERT ON nexthop BEGIN
    INSERT INTO census
        VALUES ('verdict', iif(new.verdict LIKE 'override %', 'override', new.verdict), 1)
        ON CONFLICT (what, kind) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER nexthop_dropped AFTER DELETE ON nexthop BEGIN
    UPDATE census SET n = n - 1 WHERE what = 'verdict'
        AND kind = iif(old.verdict LIKE 'override %', 'override', old.verdict);
END;
CREATE TRIGGER nexthop_changed AFTER UPDATE OF verdict ON nexthop
    WHEN old.verdict <> new.verdict BEGIN
    UPDATE census SET n = n - 1 WHERE what = 'verdict'
        AND kind = iif(old.verdict LIKE 'override %', 'override', old.verdict);
    INSERT INTO census
        VALUES ('verdict', iif(new.verdict LIKE 'override %', 'override', new.verdict), 1)
        ON CONFLICT (what, kind) DO UPDATE SET n = n + 1;
END;
)sql"},
    // For the node of a fleet: what the shared store does not have yet, and who fetched a policy.
    {R"sql(
ALTER TABLE sts ADD COLUMN origin TEXT NOT NULL DEFAULT '';
CREATE TABLE unshared (
    key          TEXT PRIMARY KEY NOT NULL,
    forgotten_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE fleet (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql"},
    // Who of a fleet found out what is not a policy.
    {R"sql(
ALTER TABLE sts ADD COLUMN failed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE nexthop ADD COLUMN dane_by TEXT NOT NULL DEFAULT '';
)sql"},
    // How old a policy is by clocks that nobody sets.
    {R"sql(
ALTER TABLE sts ADD COLUMN age_boot TEXT NOT NULL DEFAULT '';
ALTER TABLE sts ADD COLUMN age_elapsed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sts ADD COLUMN age_least INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sts ADD COLUMN age_exact INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sts ADD COLUMN age_dated INTEGER NOT NULL DEFAULT 1;
)sql"},
    // How many promise nothing (promises_nothing()).
    {R"sql(
INSERT INTO census SELECT 'without-promise', 'nexthop', count(*) FROM nexthop
    WHERE dane = 0 AND verdict <> 'enforce';
INSERT INTO census SELECT 'without-promise', 'sts', count(*) FROM sts WHERE length(body) = 0;
CREATE TRIGGER nexthop_without_promise_added AFTER INSERT ON nexthop
    WHEN new.dane = 0 AND new.verdict <> 'enforce' BEGIN
    UPDATE census SET n = n + 1 WHERE what = 'without-promise' AND kind = 'nexthop';
END;
CREATE TRIGGER nexthop_without_promise_dropped AFTER DELETE ON nexthop
    WHEN old.dane = 0 AND old.verdict <> 'enforce' BEGIN
    UPDATE census SET n = n - 1 WHERE what = 'without-promise' AND kind = 'nexthop';
END;
CREATE TRIGGER nexthop_without_promise_changed AFTER UPDATE OF dane, verdict ON nexthop
    WHEN (old.dane = 0 AND old.verdict <> 'enforce') <> (new.dane = 0 AND new.verdict <> 'enforce')
    BEGIN
    UPDATE census SET n = n + iif(new.dane = 0 AND new.verdict <> 'enforce', 1, -1)
        WHERE what = 'without-promise' AND kind = 'nexthop';
END;
CREATE TRIGGER sts_without_promise_added AFTER INSERT ON sts WHEN length(new.body) = 0 BEGIN
    UPDATE census SET n = n + 1 WHERE what = 'without-promise' AND kind = 'sts';
END;
CREATE TRIGGER sts_without_promise_dropped AFTER DELETE ON sts WHEN length(old.body) = 0 BEGIN
    UPDATE census SET n = n - 1 WHERE what = 'without-promise' AND kind = 'sts';
END;
CREATE TRIGGER sts_without_promise_changed AFTER UPDATE OF body ON sts
    WHEN (length(old.body) = 0) <> (length(new.body) = 0) BEGIN
    UPDATE census SET n = n + iif(length(new.body) = 0, 1, -1)
        WHERE what = 'without-promise' AND kind = 'sts';
END;
)sql"},
};

// What steps compute of an older version's rows: a column, or a table of another's.
struct Computed {
    std::string_view name; // TABLE.COLUMN or TABLE
    const char* sql;
};
constexpr Computed computed[] = {
    {"sts.refresh_at", "iif(length(body) > 0, fetched_at + 86400000, 0)"},
    {"nexthop", "SELECT nexthop, dane, seen_at AS dane_seen_at, '' AS verdict, 0 AS row,"
                " 0 AS verdict_since, seen_at FROM main.dane"},
};

DbResult<std::int64_t> number(sqlite3* db, const std::string& path, const char* sql) {
    sqlite3_stmt* raw = nullptr;
    if (const int rc = sqlite3_prepare_v2(db, sql, -1, &raw, nullptr); rc != SQLITE_OK)
        return db_error(db, rc, "read", path);
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(raw,
                                                                               sqlite3_finalize);
    if (const int rc = sqlite3_step(raw); rc != SQLITE_ROW) return db_error(db, rc, "read", path);
    return sqlite3_column_int64(raw, 0);
}

DbResult<> take_step(sqlite3* db, const std::string& path, const SchemaStep& step,
                     std::size_t version) {
    const std::string sql =
        fmt::format("BEGIN IMMEDIATE; {} PRAGMA application_id = {}; PRAGMA user_version = {}; "
                    "COMMIT",
                    step.sql, application_id, version);
    const int rc = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    if (rc == SQLITE_OK) return {};
    const auto error = db_error(db, rc, fmt::format("bring to schema version {}", version), path);
    sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr);
    return error;
}

std::unexpected<DbError> refuse(std::string text) {
    return std::unexpected(DbError{DbFault::refused, std::move(text)});
}

struct FinalizeQuery {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
struct CloseReference {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};

// Each row's columns as text.
DbResult<std::vector<std::vector<std::string>>> query(sqlite3* db, const std::string& path,
                                                      const std::string& sql) {
    sqlite3_stmt* raw = nullptr;
    if (const int rc = sqlite3_prepare_v2(db, sql.c_str(), -1, &raw, nullptr); rc != SQLITE_OK)
        return db_error(db, rc, "read", path);
    const std::unique_ptr<sqlite3_stmt, FinalizeQuery> statement(raw);
    std::vector<std::vector<std::string>> rows;
    int rc = SQLITE_ROW;
    while ((rc = sqlite3_step(raw)) == SQLITE_ROW) {
        auto& row = rows.emplace_back();
        for (int i = 0; i < sqlite3_column_count(raw); i++)
            row.push_back(text_at(raw, i));
    }
    if (rc != SQLITE_DONE) return db_error(db, rc, "read", path);
    return rows;
}

const char* computed_as(const std::string& name) {
    const auto* const found = std::ranges::find(computed, name, &Computed::name);
    return found == std::end(computed) ? nullptr : found->sql;
}

// CREATE TEMP VIEW, or nothing: the table is there with all columns. A column is its name and its
// DEFAULT.
DbResult<std::string> view_of(sqlite3* db, const std::string& path, const std::string& table,
                              const std::vector<std::vector<std::string>>& columns) {
    const std::string names =
        fmt::format("SELECT name FROM pragma_table_info('{}', 'main')", table);
    auto there = query(db, path, names);
    if (!there) return std::unexpected(there.error());
    std::string from = fmt::format("main.{}", table);
    const bool is_missing = there->empty();
    if (is_missing) {
        const char* made_of = computed_as(table);
        if (made_of == nullptr) made_of = "SELECT NULL WHERE false";
        from = fmt::format("({})", made_of);
        sqlite3_stmt* raw = nullptr;
        if (const int rc = sqlite3_prepare_v2(db, made_of, -1, &raw, nullptr); rc != SQLITE_OK)
            return db_error(db, rc, "read", path);
        const std::unique_ptr<sqlite3_stmt, FinalizeQuery> statement(raw);
        for (int i = 0; i < sqlite3_column_count(raw); i++)
            there->push_back({sqlite3_column_name(raw, i)});
    }
    std::string added;
    for (const auto& column : columns) {
        const std::string& name = column.at(0);
        if (std::ranges::any_of(*there, [&](const auto& one) { return one.at(0) == name; }))
            continue;
        const char* sql = computed_as(fmt::format("{}.{}", table, name));
        const std::string& value = column.at(1).empty() ? std::string("NULL") : column.at(1);
        added += fmt::format(", {} AS {}", sql != nullptr ? std::string(sql) : value, name);
    }
    if (added.empty() && !is_missing) return std::string();
    return fmt::format("CREATE TEMP VIEW {} AS SELECT *{} FROM {};", table, added, from);
}

} // namespace

std::span<const SchemaStep> schema_steps() { return steps_of_postseal; }

DbResult<> migrate(sqlite3* db, const std::string& path, std::span<const SchemaStep> steps) {
    const auto owner = number(db, path, "PRAGMA application_id");
    if (!owner) return std::unexpected(owner.error());
    const auto version = number(db, path, "PRAGMA user_version");
    if (!version) return std::unexpected(version.error());
    const auto objects = number(db, path, "SELECT count(*) FROM sqlite_schema");
    if (!objects) return std::unexpected(objects.error());

    const bool unused = *owner == 0 && *version == 0 && *objects == 0;
    if (!unused && *owner != application_id)
        return refuse(fmt::format("{} is the database of another program (application_id {}): "
                                  "move it away, or set another state_dir",
                                  path, *owner));
    const auto known = static_cast<std::int64_t>(steps.size());
    if (*version > known)
        return refuse(fmt::format("{} has schema version {}, this postseal knows {} at most: run "
                                  "the newer postseal, or move the file away to start afresh",
                                  path, *version, known));
    if (*version < 0)
        return std::unexpected(
            DbError{DbFault::corrupt, fmt::format("{} has schema version {}", path, *version)});
    for (auto next = static_cast<std::size_t>(*version); next < steps.size(); next++)
        if (auto taken = take_step(db, path, steps[next], next + 1); !taken) return taken;
    return {};
}

DbResult<> show_as_newest(sqlite3* db, const std::string& path, std::span<const SchemaStep> steps) {
    const auto owner = number(db, path, "PRAGMA application_id");
    if (!owner) return std::unexpected(owner.error());
    const auto version = number(db, path, "PRAGMA user_version");
    if (!version) return std::unexpected(version.error());
    if (*owner != application_id || *version <= 0 || std::cmp_greater_equal(*version, steps.size()))
        return {};
    // What today's tables are like is asked of an empty one.
    sqlite3* raw = nullptr;
    const int opened =
        sqlite3_open_v2(":memory:", &raw,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    const std::unique_ptr<sqlite3, CloseReference> newest(raw);
    if (opened != SQLITE_OK) return db_error(raw, opened, "open", ":memory:");
    if (auto made = migrate(raw, ":memory:", steps); !made) return made;
    auto tables = query(raw, ":memory:", "SELECT name FROM sqlite_schema WHERE type = 'table'");
    if (!tables) return std::unexpected(tables.error());
    std::string views;
    for (const auto& table : *tables) {
        const std::string& name = table.at(0);
        const auto columns = query(
            raw,
            ":memory:", fmt::format("SELECT name, dflt_value FROM pragma_table_info('{}')", name));
        if (!columns) return std::unexpected(columns.error());
        auto view = view_of(db, path, name, *columns);
        if (!view) return std::unexpected(view.error());
        views += *view;
    }
    const int rc = sqlite3_exec(db, views.c_str(), nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return db_error(db, rc, "read", path);
    return {};
}

} // namespace postseal::store
