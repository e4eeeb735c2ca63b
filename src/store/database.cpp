// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"

#include "store/row_columns.h"
#include "store/statement.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace postseal::store {
namespace {

std::unexpected<DbError> system_error(int error, const std::string& path) {
    const DbFault fault = error == ENOSPC || error == EDQUOT ? DbFault::full
                          : error == EIO                     ? DbFault::io
                                                             : DbFault::cannot_open;
    return std::unexpected(
        DbError{fault, fmt::format("cannot open {}: {}", path, std::strerror(error))});
}

DbError not_writable(const std::string& path) {
    return {DbFault::read_only,
            fmt::format("cannot write {}: file or file system is read-only", path)};
}

// SQLite would make the file itself, but readable for all, and say less when it cannot.
DbResult<> make_file(const std::string& path) {
    int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
        const int why = errno;
        fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) return system_error(errno == ENOENT ? why : errno, path);
        ::close(fd);
        return std::unexpected(not_writable(path));
    }
    if (fd < 0) return system_error(errno, path);
    ::close(fd);
    return {};
}

constexpr auto insert_sts =
    "INSERT INTO sts (domain, body, id, fetched_at, expires_at, failures, failed_id, fault, reason,"
    " failed_at, retry_at, refresh_at, record_gone, mode, origin, failed_by,"
    " age_boot, age_elapsed, age_least, age_exact, age_dated)"
    " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
    " ?17, ?18, ?19, ?20, ?21";
constexpr auto or_update_sts = "ON CONFLICT (domain) DO UPDATE SET";
constexpr auto failure_columns =
    "failures, failed_id, fault, reason, failed_at, retry_at, failed_by";
constexpr auto failure_values = "?6, ?7, ?8, ?9, ?10, ?11, ?16";
// What goes with a policy's body.
constexpr std::pair<const char*, int> policy_columns[] = {
    {"id", 3},           {"fetched_at", 4}, {"expires_at", 5}, {"refresh_at", 12},
    {"record_gone", 13}, {"origin", 15},    {"age_boot", 17},  {"age_elapsed", 18},
    {"age_least", 19},   {"age_exact", 20}, {"age_dated", 21},
};

// `how`: with column and parameter.
std::string set_policy(const char* how) {
    std::string sql;
    for (const auto& [column, parameter] : policy_columns)
        sql += (sql.empty() ? "" : ", ") + fmt::format(fmt::runtime(how), column, parameter);
    return sql;
}

// A name that promises nothing is new only while there are fewer than max_without_promise.
std::string if_known_or_few(std::string_view table, std::string_view key) {
    return fmt::format("WHERE EXISTS (SELECT 1 FROM {0} WHERE {1} = ?1) OR (SELECT n FROM census"
                       " WHERE what = 'without-promise' AND kind = '{0}') < {2}",
                       table, key, max_without_promise);
}

// Its condition follows.
constexpr auto insert_nexthop =
    "INSERT INTO nexthop (nexthop, dane, dane_seen_at, verdict, row, verdict_since, seen_at,"
    " dane_by) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8";
constexpr auto or_update_nexthop =
    "ON CONFLICT (nexthop) DO UPDATE SET"
    " dane = iif(?3 = 0, dane, ?2), dane_by = iif(?3 = 0, dane_by, ?8),"
    " dane_seen_at = iif(?3 = 0, dane_seen_at, ?3),"
    " row = iif(?4 = '', row, ?5), verdict_since = iif(?4 = '', verdict_since, ?6),"
    " verdict = iif(?4 = '', verdict, ?4), seen_at = ?7";
// The history of a nexthop that promises nothing, and of which nothing says that it ever did.
constexpr auto trim_history =
    "DELETE FROM history WHERE nexthop = ?1 AND kind = 0 AND at < (SELECT at FROM history"
    " WHERE nexthop = ?1 AND kind = 0 ORDER BY at DESC LIMIT 1 OFFSET ?2)"
    " AND NOT EXISTS (SELECT 1 FROM nexthop WHERE nexthop = ?1"
    " AND (dane <> 0 OR verdict = 'enforce'))"
    " AND NOT EXISTS (SELECT 1 FROM history WHERE nexthop = ?1"
    " AND (kind <> 0 OR before = 'enforce' OR after = 'enforce'))";

} // namespace

DbResult<std::unique_ptr<Database>> Database::open(const std::string& path,
                                                   std::span<const SchemaStep> steps) {
    if (auto made = make_file(path); !made) return std::unexpected(made.error());
    auto connection = Connection::open(path, path, SQLITE_OPEN_READWRITE);
    if (!connection) return std::unexpected(connection.error());
    return begin(*std::move(connection), steps);
}

DbResult<std::unique_ptr<Database>> Database::in_memory() {
    auto connection = Connection::open(":memory:", ":memory:", SQLITE_OPEN_READWRITE);
    if (!connection) return std::unexpected(connection.error());
    return begin(*std::move(connection), schema_steps());
}

DbResult<std::unique_ptr<Database>> Database::begin(Connection connection,
                                                    std::span<const SchemaStep> steps) {
    sqlite3* db = connection.handle();
    const std::string path = connection.path();
    // First, so that a database that is not ours stays untouched.
    if (auto done = migrate(db, path, steps); !done) {
        if (done.error().fault == DbFault::read_only) return std::unexpected(not_writable(path));
        return std::unexpected(done.error());
    }
    if (sqlite3_db_readonly(db, "main") == 1) return std::unexpected(not_writable(path));
    if (auto done = connection.set_up(Connection::Use::write); !done)
        return std::unexpected(done.error());
    std::unique_ptr<Database> self(new Database(std::move(connection)));
    if (auto done = self->prepare_reads(); !done) return std::unexpected(done.error());
    if (auto done = self->prepare_writes(); !done) return std::unexpected(done.error());
    self->connection_.empty_log();
    return self;
}

DbResult<std::unique_ptr<Database>> Database::open_for_reading(const std::string& path, Reading how,
                                                               std::span<const SchemaStep> steps) {
    const bool alone = how == Reading::alone;
    auto connection = Connection::open(path, alone ? without_locks(path) : path,
                                       SQLITE_OPEN_READONLY | (alone ? SQLITE_OPEN_URI : 0));
    if (!connection) return std::unexpected(connection.error());
    // The log's index is then in memory, not in a file beside it.
    if (alone)
        sqlite3_exec(connection->handle(), "PRAGMA locking_mode = EXCLUSIVE", nullptr, nullptr,
                     nullptr);
    if (auto done = connection->set_up(Connection::Use::read); !done)
        return std::unexpected(done.error());
    // Beside a writer it has been brought up to date.
    if (alone)
        if (auto done = show_as_newest(connection->handle(), path, steps); !done)
            return std::unexpected(done.error());
    std::unique_ptr<Database> self(new Database(*std::move(connection)));
    if (auto done = self->prepare_reads(); !done) return std::unexpected(done.error());
    return self;
}

DbResult<> Database::prepare_reads() {
    const Connection::Prepared all[] = {
        {&find_sts_, fmt::format("SELECT {} FROM sts WHERE domain = ?1", sts_columns)},
        {&find_nexthop_, fmt::format("SELECT {} FROM nexthop WHERE nexthop = ?1", nexthop_columns)},
        {&next_refreshes_, "SELECT domain, refresh_at FROM sts WHERE refresh_at <> 0"
                           " ORDER BY refresh_at, domain LIMIT ?1"},
    };
    return connection_.prepare_all(all);
}

DbResult<> Database::prepare_writes() {
    const Connection::Prepared all[] = {
        // No REPLACE: the triggers that count must see what a row was before. What over() keeps
        // is kept by the statements themselves: nobody need have read the row.
        {&put_sts_,
         fmt::format("{} WHERE true {} ({}, body, mode) = ({}, ?2, ?14), {}", insert_sts,
                     or_update_sts, failure_columns, failure_values, set_policy("{} = ?{}"))},
        {&put_without_policy_,
         fmt::format("{} {} {} ({}) = ({}), {}", insert_sts, if_known_or_few("sts", "domain"),
                     or_update_sts, failure_columns, failure_values,
                     set_policy("{0} = iif(length(body) > 0, {0}, ?{1})"))},
        {&drop_sts_, "DELETE FROM sts WHERE domain = ?1"},
        {&put_nexthop_, fmt::format("{} WHERE true {}", insert_nexthop, or_update_nexthop)},
        {&put_without_promise_,
         fmt::format("{} {} {}", insert_nexthop, if_known_or_few("nexthop", "nexthop"),
                     or_update_nexthop)},
        {&drop_nexthop_, "DELETE FROM nexthop WHERE nexthop = ?1"},
        {&put_history_, "REPLACE INTO history (nexthop, at, kind, before, after, row, reasons)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
        {&trim_history_, trim_history},
    };
    return connection_.prepare_all(all);
}

DbResult<std::optional<StsRow>> Database::find_sts(const Domain& domain) {
    bind_all(find_sts_.get(), domain.name());
    std::optional<StsRow> found;
    const auto take = [&](sqlite3_stmt* s) { found = sts_at(s, domain); };
    if (auto done = connection_.each(find_sts_.get(), take); !done)
        return std::unexpected(std::move(done.error()));
    return found;
}

DbResult<std::vector<RefreshDue>> Database::next_refreshes(std::size_t most) {
    bind_all(next_refreshes_.get(), most);
    std::vector<RefreshDue> next;
    const auto take = [&](sqlite3_stmt* s) {
        if (auto domain = Domain::parse(text_at(s, 0)))
            next.push_back({.domain = std::move(*domain), .at = time_at(s, 1)});
    };
    if (auto done = connection_.each(next_refreshes_.get(), take); !done)
        return std::unexpected(std::move(done.error()));
    return next;
}

DbResult<std::optional<NexthopRow>> Database::find_nexthop(const std::string& nexthop) {
    bind_all(find_nexthop_.get(), nexthop);
    std::optional<NexthopRow> found;
    const auto take = [&](sqlite3_stmt* s) { found = nexthop_at(s); };
    if (auto done = connection_.each(find_nexthop_.get(), take); !done)
        return std::unexpected(std::move(done.error()));
    return found;
}

DbResult<> Database::drop(const Statement& statement, std::string_view key) {
    bind_all(statement.get(), key);
    return connection_.run(statement.get());
}

DbResult<> Database::put(const StsRow& row) {
    if (row.replaces || is_blank(row))
        if (auto done = drop(drop_sts_, row.domain.name()); !done || is_blank(row)) return done;
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
    return connection_.run(s);
}

DbResult<> Database::put(const NexthopRow& row) {
    if (row.replaces || is_blank(row))
        if (auto done = drop(drop_nexthop_, row.nexthop); !done || is_blank(row)) return done;
    sqlite3_stmt* s = promises_nothing(row) ? put_without_promise_.get() : put_nexthop_.get();
    bind_text(s, 1, row.nexthop);
    sqlite3_bind_int64(s, 2, row.dane ? 1 : 0);
    bind_time(s, 3, row.dane_seen_at);
    bind_text(s, 4, row.verdict);
    sqlite3_bind_int64(s, 5, row.row);
    bind_time(s, 6, row.verdict_since);
    bind_time(s, 7, row.seen_at);
    bind_text(s, 8, row.dane_by);
    return connection_.run(s);
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
    if (auto done = connection_.run(s); !done || row.kind != HistoryRow::Kind::verdict) return done;
    bind_text(trim_history_.get(), 1, row.nexthop);
    sqlite3_bind_int64(trim_history_.get(), 2, max_history_without_promise - 1);
    return connection_.run(trim_history_.get());
}

DbResult<> Database::write(const Batch& batch) {
    return connection_.transaction([&] { return put_all(batch); });
}

DbResult<> Database::put_all(const Batch& batch) {
    for (const StsRow& row : batch.sts.rows())
        if (auto done = put(row); !done) return done;
    for (const NexthopRow& row : batch.nexthops.rows())
        if (auto done = put(row); !done) return done;
    for (const HistoryRow& row : batch.history.rows())
        if (auto done = put(row); !done) return done;
    for (const Unshared& row : batch.unshared.rows())
        if (auto done = store::put(connection_, row); !done) return done;
    for (const FleetFact& fact : batch.fleet.rows())
        if (auto done = store::put(connection_, fact); !done) return done;
    return {};
}

} // namespace postseal::store
