// SPDX-License-Identifier: BSD-3-Clause
#include "store/connection.h"

#include "store/statement.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace postseal::store {
namespace {

// The reader's has room for the upper pages of ten million domains.
constexpr int reader_cache_kib = 65536;
constexpr int writer_cache_kib = 16384;
// Another process may hold the lock for as long as it likes; loads must not wait for it.
constexpr int busy_ms = 250;

std::uint64_t inode_of(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// What cannot be asked for may be there.
bool may_exist(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0 || errno != ENOENT;
}

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

void Connection::Closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

DbResult<Connection> Connection::open(std::string path, const std::string& name, int flags) {
    sqlite3* raw = nullptr;
    const int rc = sqlite3_open_v2(name.c_str(), &raw,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    Handle db(raw);
    if (rc != SQLITE_OK) return db_error(raw, rc, "open", path);
    Connection self(std::move(path), std::move(db));
    sqlite3_busy_timeout(raw, busy_ms);
    self.keep_log(); // if it turns out to be damaged
    return self;
}

DbResult<> Connection::set_up(Use use) {
    sqlite3* db = db_.get();
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    const bool writes = use == Use::write;
    // Where WAL cannot be obtained, the journal that is used instead is as safe. The read makes the
    // log. No temporary files: the sandbox has no place for them.
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
    if (!writes) return {};
    const Prepared all[] = {
        {&begin_, "BEGIN IMMEDIATE"}, {&commit_, "COMMIT"}, {&rollback_, "ROLLBACK"}};
    return prepare_all(all);
}

DbResult<> Connection::prepare_all(std::span<const Prepared> all) {
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

DbResult<Statement> Connection::prepare(const std::string& sql) {
    sqlite3_stmt* raw = nullptr;
    const int rc = sqlite3_prepare_v3(db_.get(), sql.c_str(), -1, 0, &raw, nullptr);
    Statement statement(raw);
    if (rc != SQLITE_OK) return db_error(db_.get(), rc, "read", path_);
    return statement;
}

DbResult<> Connection::each(sqlite3_stmt* statement, const Take& take) {
    const Reset reset(statement);
    int rc = SQLITE_ROW;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        take(statement);
    if (rc != SQLITE_DONE) return db_error(db_.get(), rc, "read", path_);
    return {};
}

DbResult<> Connection::run(sqlite3_stmt* statement) {
    const Reset reset(statement);
    const int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE) return db_error(db_.get(), rc, "write", path_);
    return {};
}

DbResult<> Connection::transaction(const std::function<DbResult<>()>& body) {
    if (auto begun = run(begin_.get()); !begun) return begun;
    auto done = body();
    if (done) done = run(commit_.get());
    // Some faults have rolled back already. Whatever this says, the fault is the first one.
    if (!done && sqlite3_get_autocommit(db_.get()) == 0) {
        [[maybe_unused]] const auto undone = run(rollback_.get());
    }
    return done;
}

DbResult<> Connection::check(const std::atomic<bool>& stop) {
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

bool Connection::moved() const {
    int moved = 0;
    sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

void Connection::keep_log() {
    sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void Connection::empty_log() {
    sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    log_ = inode_of(path_ + "-wal");
}

void Connection::drop_log() {
    const std::string log = path_ + "-wal";
    if (log_ != 0 && inode_of(log) == log_) ::unlink(log.c_str());
}

std::string_view sqlite_version() { return sqlite3_libversion(); }

} // namespace postseal::store
