// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"

#include "store/columns.h"
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

// Another process may hold the lock for as long as it likes; loads must not wait for it.
constexpr int busy_ms = 250;

std::unexpected<DbError> system_error(int error, const std::string& path) {
    const DbFault fault = error == ENOSPC || error == EDQUOT ? DbFault::full
                          : error == EIO                     ? DbFault::io
                                                             : DbFault::cannot_open;
    return std::unexpected(
        DbError{fault, fmt::format("cannot open {}: {}", path, std::strerror(error))});
}

// SQLite would make the file itself, but readable for all, and say less when it cannot. Returns the
// error number for which the file can be read and not written, or 0.
DbResult<int> make_file(const std::string& path) {
    int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    int why = 0;
    if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
        why = errno;
        fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) return system_error(errno == ENOENT ? why : errno, path);
    }
    if (fd < 0) return system_error(errno, path);
    ::close(fd);
    return why;
}

std::uint64_t inode_of(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// For a database in WAL mode in a place that cannot take the log's index: legitimate only because
// there is no log, and nobody else writes there: no daemon at all on such a file system, none
// beside ours in such a folder (DatabaseFile's lock).
std::string unchanging(const std::string& path) {
    std::string uri = "file:";
    for (const char c : path) {
        if (c == '?' || c == '#' || c == '%')
            uri += fmt::format("%{:02x}", static_cast<unsigned>(c));
        else
            uri += c;
    }
    return uri + "?immutable=1";
}

} // namespace

void Database::Closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }
void Database::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Database::Database(std::string path, Handle db) : path_(std::move(path)), db_(std::move(db)) {}
Database::~Database() = default;

DbResult<std::unique_ptr<Database>> Database::connect(const std::string& path,
                                                      const std::string& name,
                                                      std::span<const SchemaStep> steps) {
    sqlite3* raw = nullptr;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (name != path) flags |= SQLITE_OPEN_URI;
    const int rc = sqlite3_open_v2(name.c_str(), &raw, flags, nullptr);
    Handle db(raw);
    if (rc != SQLITE_OK) return db_error(raw, rc, "open", path);
    std::unique_ptr<Database> self(new Database(path, std::move(db)));
    sqlite3_busy_timeout(raw, busy_ms);
    self->keep_log(); // if it turns out to be damaged
    // First, so that a database that is not ours stays untouched.
    if (auto done = migrate(raw, path, steps); !done) return std::unexpected(done.error());
    if (auto done = self->set_up(); !done) return std::unexpected(done.error());
    if (auto done = self->prepare_all(); !done) return std::unexpected(done.error());
    sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    self->log_ = inode_of(path + "-wal");
    return self;
}

DbResult<std::unique_ptr<Database>> Database::open(const std::string& path,
                                                   std::span<const SchemaStep> steps) {
    const auto unwritable = make_file(path);
    if (!unwritable) return std::unexpected(unwritable.error());
    const bool has_log = exists(path + "-wal") || exists(path + "-journal");
    // Not tried otherwise: SQLite would make a log as little writable as the file, and leave it.
    if (*unwritable != 0 && !has_log) return connect(path, unchanging(path), steps);
    auto opened = connect(path, path, steps);
    // The file may be written, but not the folder.
    if (!opened && opened.error().fault == DbFault::read_only && !has_log)
        return connect(path, unchanging(path), steps);
    return opened;
}

DbResult<> Database::set_up() {
    sqlite3* db = db_.get();
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    // Where WAL cannot be had, the journal that is used instead is as safe. The read makes the log.
    // The cache, in KiB, has room for the upper pages of ten million domains. No temporary files:
    // the sandbox has no place for them.
    constexpr auto for_all = "PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;"
                             "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;"
                             "PRAGMA cell_size_check = ON; SELECT count(*) FROM sqlite_schema";
    const std::string sql = read_only() ? for_all
                                        : fmt::format("PRAGMA journal_mode = WAL;"
                                                      "PRAGMA synchronous = FULL;"
                                                      "PRAGMA journal_size_limit = {}; {}",
                                                      64 << 20, for_all);
    const int rc = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return db_error(db, rc, "set up", path_);
    return {};
}

DbResult<> Database::prepare_all() {
    const std::pair<Statement*, std::string> all[] = {
        {&begin_, "BEGIN IMMEDIATE"},
        {&commit_, "COMMIT"},
        {&rollback_, "ROLLBACK"},
        {&find_sts_, fmt::format("SELECT {} FROM sts WHERE domain = ?1", sts_columns)},
        {&find_nexthop_, fmt::format("SELECT {} FROM nexthop WHERE nexthop = ?1", nexthop_columns)},
        {&next_refreshes_, "SELECT domain, refresh_at FROM sts WHERE refresh_at <> 0"
                           " ORDER BY refresh_at, domain LIMIT ?1"},
        // No REPLACE: the triggers that count must see what a row was before.
        {&put_sts_,
         "INSERT INTO sts (domain, body, id, fetched_at, expires_at, failures, failed_id, fault,"
         " reason, failed_at, retry_at, refresh_at, record_gone, mode, origin, failed_by)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
         " ON CONFLICT (domain) DO UPDATE SET (body, id, fetched_at, expires_at, failures,"
         " failed_id, fault, reason, failed_at, retry_at, refresh_at, record_gone, mode, origin,"
         " failed_by) = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"},
        {&drop_sts_, "DELETE FROM sts WHERE domain = ?1"},
        {&put_nexthop_,
         "INSERT INTO nexthop (nexthop, dane, dane_seen_at, verdict, row, verdict_since, seen_at,"
         " dane_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (nexthop) DO UPDATE SET"
         " (dane, dane_seen_at, verdict, row, verdict_since, seen_at, dane_by) ="
         " (?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
        {&drop_nexthop_, "DELETE FROM nexthop WHERE nexthop = ?1"},
        {&put_history_, "REPLACE INTO history (nexthop, at, kind, before, after, row, reasons)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
    };
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
    // SQLite would let a transaction begin that has nothing to write.
    if (read_only()) return std::unexpected(not_writable());
    if (auto begun = run(begin_.get()); !begun) return begun;
    auto done = put_all(batch);
    // Some faults have rolled back already. Whatever this says, the fault is the first one.
    if (!done && sqlite3_get_autocommit(db_.get()) == 0) {
        [[maybe_unused]] const auto undone = run(rollback_.get());
    }
    return done;
}

bool Database::read_only() const { return sqlite3_db_readonly(db_.get(), "main") == 1; }

DbError Database::not_writable() const {
    return {DbFault::read_only,
            fmt::format("cannot write {}: file or file system is read-only", path_)};
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
