// store/connection.h: one connection to an SQLite database, and statements on it
//
// What reads and writes rows is built on it: store/database.h what a lookup needs, store/queries.h
// what is asked about all of it, store/upkeep.h and store/fleet_rows.h.
// WAL with synchronous FULL: what a transaction has written survives a power cut. One connection
// writes, another reads; in WAL mode the reader never waits for a write or its fsync.
// Blocks on the disk, so it belongs to a worker's thread, each connection to its own.
// Errors: DbError.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/db_error.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3_stmt;

namespace postseal::store {

struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;

class Connection {
  public:
    // `name`: a path or a URI, as `flags` say (SQLITE_OPEN_*); `path`: for errors.
    [[nodiscard]] static DbResult<Connection> open(std::string path, const std::string& name,
                                                   int flags);
    // Before the first statement; a connection that writes is one with a log.
    enum class Use { read, write };
    [[nodiscard]] DbResult<> set_up(Use use);

    [[nodiscard]] DbResult<Statement> prepare(const std::string& sql);
    // Statements that are used again and again. An error of SQL says that the tables are not as we
    // made them: corrupt.
    using Prepared = std::pair<Statement*, std::string>;
    [[nodiscard]] DbResult<> prepare_all(std::span<const Prepared> all);
    // Calls `take` for each row.
    using Take = std::function<void(sqlite3_stmt* row)>;
    [[nodiscard]] DbResult<> each(sqlite3_stmt* statement, const Take& take);
    // Runs a statement that gives no row.
    [[nodiscard]] DbResult<> run(sqlite3_stmt* statement);
    // All that `body` writes, or, on an error, nothing.
    [[nodiscard]] DbResult<> transaction(const std::function<DbResult<>()>& body);

    // Reads every page: corrupt if one is damaged. Ends with an error of fault io once `stop` is
    // set, which may be done by any thread.
    [[nodiscard]] DbResult<> check(const std::atomic<bool>& stop);
    // The path no longer leads to the open file: what is written now would be lost with it.
    [[nodiscard]] bool moved() const;
    // Closing leaves the write-ahead log as it is, for whoever examines a damaged file; or takes it
    // into the file.
    void keep_log();
    void empty_log();
    // For a file that moved(): its log, left behind, would be taken for that of a file put in its
    // place. A log that came with the new file stays.
    void drop_log();

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] sqlite3* handle() const { return db_.get(); }

  private:
    struct Closer {
        void operator()(sqlite3* db) const;
    };
    using Handle = std::unique_ptr<sqlite3, Closer>;

    Connection(std::string path, Handle db) : path_(std::move(path)), db_(std::move(db)) {}

    std::string path_;
    Handle db_;
    std::uint64_t log_ = 0; // the log's inode
    Statement begin_, commit_, rollback_;
};

// An URI of the file for a connection that takes no lock and need not write anything.
[[nodiscard]] std::string without_locks(const std::string& path);

// Of the library in use.
[[nodiscard]] std::string_view sqlite_version();

} // namespace postseal::store
