// store/database.h: one connection to an SQLite file: reads a key, writes a batch in one
// transaction
//
// WAL with synchronous FULL: what write() has accepted survives a power cut. One connection writes,
// another reads; in WAL mode the reader never waits for a write or its fsync.
// Blocks on the disk, so it belongs to a worker's thread, each connection to its own. Errors:
// DbError; a write that failed has changed nothing.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/pending.h"
#include "store/schema.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct sqlite3_stmt;

namespace postseal::store {

class Database {
  public:
    // Writes. Makes the file if there is none (mode 0640), and brings an older one up to date.
    [[nodiscard]] static DbResult<std::unique_ptr<Database>>
    open(const std::string& path, std::span<const SchemaStep> steps = schema_steps());
    // Reads only. beside_writer: a connection of open() is there meanwhile. alone: none is, and
    // nobody else writes (DatabaseFile's lock); needs neither room on the disk nor a file that may
    // be written, takes no lock, and reads a file of an older version as it is.
    enum class Reading { beside_writer, alone };
    [[nodiscard]] static DbResult<std::unique_ptr<Database>>
    open_for_reading(const std::string& path, Reading how,
                     std::span<const SchemaStep> steps = schema_steps());
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    [[nodiscard]] DbResult<std::optional<StsRow>> find_sts(const Domain& domain);
    [[nodiscard]] DbResult<std::optional<NexthopRow>> find_nexthop(const std::string& nexthop);
    // The earliest first, at most so many.
    [[nodiscard]] DbResult<std::vector<RefreshDue>> next_refreshes(std::size_t most);
    // The newest first, at most so many.
    [[nodiscard]] DbResult<std::vector<HistoryRow>> history(const std::string& nexthop,
                                                            std::size_t most);
    // Those behind `after`, by key.
    [[nodiscard]] DbResult<std::vector<NexthopRow>> nexthops(const std::string& after,
                                                             std::size_t most);
    [[nodiscard]] DbResult<std::vector<StsRow>> policies(const std::string& after,
                                                         std::size_t most);
    // See Store.
    [[nodiscard]] DbResult<std::vector<HistoryRow>> latest(HistoryRow::Kind kind, std::size_t most);
    [[nodiscard]] DbResult<std::vector<StsRow>> failing(std::size_t most);
    [[nodiscard]] DbResult<Census> census(WallTime now);
    // All facts, and at most so many keys.
    [[nodiscard]] DbResult<FleetState> fleet_state(std::size_t most);
    // Every row is one that the shared store does not have.
    [[nodiscard]] DbResult<> all_unshared();
    [[nodiscard]] DbResult<> write(const Batch& batch);
    // Store::prune(), so many keys a step.
    [[nodiscard]] DbResult<bool> prune(WallTime before, std::size_t keys);
    [[nodiscard]] DbResult<> clock_jumped(const ClockJump& jump);
    // Reads every page: corrupt if one is damaged. Ends with an error of fault io once `stop` is
    // set, which may be done by any thread.
    [[nodiscard]] DbResult<> check(const std::atomic<bool>& stop);

    // The path no longer leads to the open file: what is written now would be lost with it.
    [[nodiscard]] bool moved() const;
    // Closing leaves the write-ahead log as it is, for whoever examines a damaged file.
    void keep_log();
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] sqlite3* handle() const { return db_.get(); }
    // For a file that moved(): its log, left behind, would be taken for that of a file put in its
    // place. A log that came with the new file stays.
    void drop_log();

  private:
    struct Closer {
        void operator()(sqlite3* db) const;
    };
    struct Finalizer {
        void operator()(sqlite3_stmt* statement) const;
    };
    using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;
    using Handle = std::unique_ptr<sqlite3, Closer>;

    Database(std::string path, Handle db);
    [[nodiscard]] static DbResult<std::unique_ptr<Database>>
    connect(const std::string& path, const std::string& name, int flags);
    [[nodiscard]] DbResult<> set_up(bool writes);
    using Prepared = std::pair<Statement*, std::string>;
    [[nodiscard]] DbResult<> move_times(const ClockJump& jump);
    [[nodiscard]] DbResult<> prepare_reads();
    [[nodiscard]] DbResult<> prepare_writes();
    [[nodiscard]] DbResult<> prepare_all(std::span<const Prepared> all);
    [[nodiscard]] DbResult<Statement> prepare(const std::string& sql);
    // Calls `take(statement)` for each row.
    template <class Take> [[nodiscard]] DbResult<> each(sqlite3_stmt* statement, Take take);
    [[nodiscard]] DbResult<std::vector<StsRow>> all_sts(sqlite3_stmt* statement);
    [[nodiscard]] DbResult<bool> is_crowded();
    // Runs a statement that gives no row.
    [[nodiscard]] DbResult<> run(sqlite3_stmt* statement);
    [[nodiscard]] DbResult<> put_all(const Batch& batch);
    [[nodiscard]] DbResult<> put(const StsRow& row);
    [[nodiscard]] DbResult<> put(const NexthopRow& row);
    [[nodiscard]] DbResult<> put(const HistoryRow& row);
    [[nodiscard]] DbResult<> put(const Unshared& row);
    [[nodiscard]] DbResult<> put(const FleetFact& fact);

    std::string path_;
    Handle db_;
    std::uint64_t log_ = 0; // the log's inode
    Statement begin_, commit_, rollback_;
    Statement find_sts_, find_nexthop_, next_refreshes_;
    Statement put_sts_, put_without_policy_, drop_sts_;
    Statement put_nexthop_, put_without_promise_, drop_nexthop_, put_history_, trim_history_;
    struct Pruning {
        std::size_t table = 0;
        std::string after; // what lies before it has been looked at in this round
    };
    Pruning pruning_;
};

// An URI of the file for a connection that takes no lock and need not write anything.
[[nodiscard]] std::string without_locks(const std::string& path);

// Of the library at work.
[[nodiscard]] std::string_view sqlite_version();

} // namespace postseal::store
