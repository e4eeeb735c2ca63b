// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

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

// The octets stay the row's: bound for one step only.
void bind_text(sqlite3_stmt* statement, int at, std::string_view text) {
    sqlite3_bind_text64(statement, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}
void bind_time(sqlite3_stmt* statement, int at, WallTime time) {
    sqlite3_bind_int64(statement, at, time.time_since_epoch().count());
}

std::string text_at(sqlite3_stmt* statement, int column) {
    const void* octets = sqlite3_column_blob(statement, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
    return size == 0 ? std::string() : std::string(static_cast<const char*>(octets), size);
}
WallTime time_at(sqlite3_stmt* statement, int column) {
    return WallTime(milliseconds(sqlite3_column_int64(statement, column)));
}

// A statement left in the middle would keep its read transaction, and the log from being emptied.
struct Reset {
    sqlite3_stmt* statement;
    explicit Reset(sqlite3_stmt* s) : statement(s) {}
    Reset(const Reset&) = delete;
    Reset& operator=(const Reset&) = delete;
    ~Reset() {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
};

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
    constexpr auto for_all = "PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;"
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
    const std::pair<Statement*, const char*> all[] = {
        {&begin_, "BEGIN IMMEDIATE"},
        {&commit_, "COMMIT"},
        {&rollback_, "ROLLBACK"},
        {&find_sts_, "SELECT body, id, fetched_at, expires_at, failures, failed_id, fault, reason,"
                     " failed_at, retry_at, refresh_at, record_gone FROM sts WHERE domain = ?1"},
        {&find_dane_, "SELECT dane, seen_at FROM dane WHERE nexthop = ?1"},
        {&next_refreshes_, "SELECT domain, refresh_at FROM sts WHERE refresh_at <> 0"
                           " ORDER BY refresh_at, domain LIMIT ?1"},
        {&put_sts_, "REPLACE INTO sts (domain, body, id, fetched_at, expires_at, failures,"
                    " failed_id, fault, reason, failed_at, retry_at, refresh_at, record_gone)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"},
        {&put_dane_, "REPLACE INTO dane (nexthop, dane, seen_at) VALUES (?1, ?2, ?3)"},
    };
    for (const auto& [statement, sql] : all) {
        sqlite3_stmt* raw = nullptr;
        const int rc =
            sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
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

DbResult<> Database::run(sqlite3_stmt* statement) {
    const Reset reset(statement);
    const int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE) return db_error(db_.get(), rc, "write", path_);
    return {};
}

DbResult<std::optional<StsRow>> Database::find_sts(const Domain& domain) {
    sqlite3_stmt* s = find_sts_.get();
    const Reset reset(s);
    bind_text(s, 1, domain.name());
    const int rc = sqlite3_step(s);
    if (rc == SQLITE_DONE) return std::nullopt;
    if (rc != SQLITE_ROW) return db_error(db_.get(), rc, "read", path_);
    constexpr sqlite3_int64 most = std::numeric_limits<std::uint32_t>::max();
    const auto failures = std::clamp<sqlite3_int64>(sqlite3_column_int64(s, 4), 0, most);
    return StsRow{.domain = domain,
                  .body = text_at(s, 0),
                  .id = text_at(s, 1),
                  .fetched_at = time_at(s, 2),
                  .expires_at = time_at(s, 3),
                  .failures = static_cast<std::uint32_t>(failures),
                  .failed_id = text_at(s, 5),
                  .fault = text_at(s, 6),
                  .reason = text_at(s, 7),
                  .failed_at = time_at(s, 8),
                  .retry_at = time_at(s, 9),
                  .refresh_at = time_at(s, 10),
                  .record_gone = sqlite3_column_int64(s, 11) != 0};
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

DbResult<std::optional<DaneRow>> Database::find_dane(const std::string& nexthop) {
    sqlite3_stmt* s = find_dane_.get();
    const Reset reset(s);
    bind_text(s, 1, nexthop);
    const int rc = sqlite3_step(s);
    if (rc == SQLITE_DONE) return std::nullopt;
    if (rc != SQLITE_ROW) return db_error(db_.get(), rc, "read", path_);
    return DaneRow{
        .nexthop = nexthop, .dane = sqlite3_column_int64(s, 0) != 0, .seen_at = time_at(s, 1)};
}

DbResult<> Database::put(const StsRow& row) {
    sqlite3_stmt* s = put_sts_.get();
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
    return run(s);
}

DbResult<> Database::put(const DaneRow& row) {
    sqlite3_stmt* s = put_dane_.get();
    bind_text(s, 1, row.nexthop);
    sqlite3_bind_int64(s, 2, row.dane ? 1 : 0);
    bind_time(s, 3, row.seen_at);
    return run(s);
}

DbResult<> Database::put_all(const Batch& batch) {
    for (const StsRow& row : batch.sts.rows())
        if (auto done = put(row); !done) return done;
    for (const DaneRow& row : batch.dane.rows())
        if (auto done = put(row); !done) return done;
    return run(commit_.get());
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
