// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"

#include "store/each.h"
#include "store/row_columns.h"
#include "store/statement.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace postseal::store {
namespace {

// The reader's has room for the upper pages of ten million domains.
constexpr int reader_cache_kib = 65536;
constexpr int writer_cache_kib = 16384;
// Another process may hold the lock for as long as it likes; loads must not wait for it.
constexpr int busy_ms = 250;

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

std::uint64_t inode_of(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// What cannot be asked for may be there.
bool may_exist(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0 || errno != ENOENT;
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

std::string without_locks(const std::string& path) {
    std::string uri = "file:";
    for (const char c : path) {
        if (c == '?' || c == '#' || c == '%')
            uri += fmt::format("%{:02x}", static_cast<unsigned>(c));
        else
            uri += c;
    }
    // Without a log there is nothing but the file, and SQLite would make a log to read it: there
    // may be no room, or no right to.
    const bool has_log = may_exist(path + "-wal") || may_exist(path + "-journal");
    return uri + (has_log ? "?vfs=unix-none&mode=ro" : "?immutable=1");
}

void Database::Closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }
void Database::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Database::Database(std::string path, Handle db) : path_(std::move(path)), db_(std::move(db)) {}
Database::~Database() = default;

DbResult<std::unique_ptr<Database>> Database::connect(const std::string& path,
                                                      const std::string& name, int flags) {
    sqlite3* raw = nullptr;
    const int rc = sqlite3_open_v2(name.c_str(), &raw,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    Handle db(raw);
    if (rc != SQLITE_OK) return db_error(raw, rc, "open", path);
    std::unique_ptr<Database> self(new Database(path, std::move(db)));
    sqlite3_busy_timeout(raw, busy_ms);
    self->keep_log(); // if it turns out to be damaged
    return self;
}

DbResult<std::unique_ptr<Database>> Database::open(const std::string& path,
                                                   std::span<const SchemaStep> steps) {
    if (auto made = make_file(path); !made) return std::unexpected(made.error());
    auto self = connect(path, path, SQLITE_OPEN_READWRITE);
    if (!self) return self;
    sqlite3* db = (*self)->handle();
    // First, so that a database that is not ours stays untouched.
    if (auto done = migrate(db, path, steps); !done) {
        if (done.error().fault == DbFault::read_only) return std::unexpected(not_writable(path));
        return std::unexpected(done.error());
    }
    if (sqlite3_db_readonly(db, "main") == 1) return std::unexpected(not_writable(path));
    if (auto done = (*self)->set_up(true); !done) return std::unexpected(done.error());
    if (auto done = (*self)->prepare_reads(); !done) return std::unexpected(done.error());
    if (auto done = (*self)->prepare_writes(); !done) return std::unexpected(done.error());
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    (*self)->log_ = inode_of(path + "-wal");
    return self;
}

DbResult<std::unique_ptr<Database>> Database::open_for_reading(const std::string& path, Reading how,
                                                               std::span<const SchemaStep> steps) {
    const bool alone = how == Reading::alone;
    auto self = connect(path, alone ? without_locks(path) : path,
                        SQLITE_OPEN_READONLY | (alone ? SQLITE_OPEN_URI : 0));
    if (!self) return self;
    // The log's index is then in memory, not in a file beside it.
    if (alone)
        sqlite3_exec((*self)->handle(), "PRAGMA locking_mode = EXCLUSIVE", nullptr, nullptr,
                     nullptr);
    if (auto done = (*self)->set_up(false); !done) return std::unexpected(done.error());
    // Beside a writer it has been brought up to date.
    if (alone)
        if (auto done = show_as_newest((*self)->handle(), path, steps); !done)
            return std::unexpected(done.error());
    if (auto done = (*self)->prepare_reads(); !done) return std::unexpected(done.error());
    return self;
}

DbResult<> Database::set_up(bool writes) {
    sqlite3* db = db_.get();
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    // Where WAL cannot be had, the journal that is used instead is as safe. The read makes the log.
    // No temporary files: the sandbox has no place for them.
    constexpr auto for_all = "PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;"
                             "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;"
                             "SELECT count(*) FROM sqlite_schema";
    const std::string sql =
        fmt::format("PRAGMA cache_size = {}; {} {}", writes ? -writer_cache_kib : -reader_cache_kib,
                    writes ? fmt::format("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                         "PRAGMA journal_size_limit = {};",
                                         64 << 20)
                           : "",
                    for_all);
    const int rc = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return db_error(db, rc, writes ? "set up" : "read", path_);
    return {};
}

DbResult<> Database::prepare_reads() {
    const Prepared all[] = {
        {&find_sts_, fmt::format("SELECT {} FROM sts WHERE domain = ?1", sts_columns)},
        {&find_nexthop_, fmt::format("SELECT {} FROM nexthop WHERE nexthop = ?1", nexthop_columns)},
        {&next_refreshes_, "SELECT domain, refresh_at FROM sts WHERE refresh_at <> 0"
                           " ORDER BY refresh_at, domain LIMIT ?1"},
    };
    return prepare_all(all);
}

DbResult<> Database::prepare_writes() {
    const Prepared all[] = {
        {&begin_, "BEGIN IMMEDIATE"},
        {&commit_, "COMMIT"},
        {&rollback_, "ROLLBACK"},
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
    return prepare_all(all);
}

DbResult<> Database::prepare_all(std::span<const Prepared> all) {
    for (const auto& [statement, sql] : all) {
        sqlite3_stmt* raw = nullptr;
        const int rc = sqlite3_prepare_v3(db_.get(), sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                                          &raw, nullptr);
        statement->reset(raw);
        if (rc == SQLITE_OK) continue;
        auto error = db_error(db_.get(), rc, "read", path_);
        // Our own version number, and yet a table is not there or not as we made it.
        if (rc == SQLITE_ERROR)
            error.error() = {DbFault::corrupt,
                             fmt::format("{}: {}", path_, sqlite3_errmsg(db_.get()))};
        return error;
    }
    return {};
}

DbResult<Database::Statement> Database::prepare(const std::string& sql) {
    sqlite3_stmt* raw = nullptr;
    const int rc = sqlite3_prepare_v3(db_.get(), sql.c_str(), -1, 0, &raw, nullptr);
    Statement statement(raw);
    if (rc != SQLITE_OK) return db_error(db_.get(), rc, "read", path_);
    return statement;
}

DbResult<> Database::run(sqlite3_stmt* statement) {
    const Reset reset(statement);
    const int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE) return db_error(db_.get(), rc, "write", path_);
    return {};
}

DbResult<> Database::write(const Batch& batch) {
    if (auto begun = run(begin_.get()); !begun) return begun;
    auto done = put_all(batch);
    // Some faults have rolled back already. Whatever this says, the fault is the first one.
    if (!done && sqlite3_get_autocommit(db_.get()) == 0) {
        [[maybe_unused]] const auto undone = run(rollback_.get());
    }
    return done;
}

DbResult<> Database::check(const std::atomic<bool>& stop) {
    constexpr int steps_between = 100'000; // of SQLite's machine: some milliseconds
    const auto asked = [](void* flag) {
        return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0;
    };
    sqlite3* db = db_.get();
    sqlite3_progress_handler(db, steps_between, asked, const_cast<std::atomic<bool>*>(&stop));
    const auto prepared = prepare("PRAGMA quick_check(1)");
    std::string found;
    DbResult<> done = prepared
                          ? each(prepared->get(), [&](sqlite3_stmt* s) { found = text_at(s, 0); })
                          : DbResult<>(std::unexpected(prepared.error()));
    sqlite3_progress_handler(db, 0, nullptr, nullptr);
    if (done && found != "ok")
        return std::unexpected(DbError{DbFault::corrupt, fmt::format("{}: {}", path_, found)});
    return done;
}

bool Database::moved() const {
    int moved = 0;
    sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

void Database::keep_log() {
    sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void Database::drop_log() {
    const std::string log = path_ + "-wal";
    if (log_ != 0 && inode_of(log) == log_) ::unlink(log.c_str());
}

std::string_view sqlite_version() { return sqlite3_libversion(); }

} // namespace postseal::store
