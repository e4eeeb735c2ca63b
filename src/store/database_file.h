// store/database_file.h: the database file over its whole life, and what is done when it breaks
//
// A damaged file is moved aside with its log as NAME.corrupt-20260131T235959Z and a new one begun,
// at most once a minute; a file that was removed or replaced is opened anew; after any other fault
// the next write() opens the file anew if that helps. No fault is thrown: what went wrong last
// is in the answer, what an operator must know in take_incidents().
// Holds a lock on the folder, so that no second daemon writes there.
// Blocks on the disk: opened at start, then used by the worker's thread alone.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/database.h"

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace postseal::store {

// "20260131T235959Z" (ISO 8601, basic form)
[[nodiscard]] std::string utc_text(WallTime time);

class DatabaseFile {
  public:
    // Names moved files; any thread.
    using WallClock = std::function<WallTime()>;

    // Error: a sentence that says why a daemon must not start so, and the remedy. A disk that is
    // full or read-only is no such reason: the first write() or load() will tell.
    [[nodiscard]] static std::expected<std::unique_ptr<DatabaseFile>, std::string>
    open(std::string path, WallClock wall_clock);
    DatabaseFile(const DatabaseFile&) = delete;
    DatabaseFile& operator=(const DatabaseFile&) = delete;
    ~DatabaseFile();

    template <class T> struct Read {
        T value{};                    // what could be read
        std::optional<DbError> fault; // of this read; none where there is no database
    };
    [[nodiscard]] Read<Loaded> load(const Domain& domain, const std::string& nexthop);
    [[nodiscard]] Read<std::vector<RefreshDue>> next_refreshes(std::size_t most);
    [[nodiscard]] Read<std::vector<HistoryRow>> history(const std::string& nexthop,
                                                        std::size_t most);
    [[nodiscard]] Read<std::vector<Listed>> list(const std::string& after, std::size_t most);
    [[nodiscard]] Read<std::vector<HistoryRow>> latest(HistoryRow::Kind kind, std::size_t most);
    [[nodiscard]] Read<std::vector<StsRow>> failing(std::size_t most);
    [[nodiscard]] Read<Census> census(WallTime now);
    [[nodiscard]] Read<FleetState> fleet_state(std::size_t most);
    [[nodiscard]] Read<std::vector<StsRow>> policies(const std::string& after, std::size_t most);
    [[nodiscard]] Read<std::vector<NexthopRow>> nexthops(const std::string& after,
                                                         std::size_t most);
    [[nodiscard]] std::optional<DbError> all_unshared();
    // True also when it cannot be done now: this round ends.
    [[nodiscard]] bool prune(WallTime before, std::size_t keys);
    [[nodiscard]] std::optional<DbError> clock_jumped(const ClockJump& jump);
    // All of the batch or nothing. An empty one opens the file anew if it is not open.
    [[nodiscard]] std::optional<DbError> write(const Batch& batch);

    // Of the last write, or why there is no database.
    [[nodiscard]] const std::optional<DbError>& fault() const { return fault_; }
    [[nodiscard]] std::vector<std::string> take_incidents();

  private:
    DatabaseFile(std::string path, WallClock wall_clock, int lock);
    [[nodiscard]] DbResult<> open_database();
    [[nodiscard]] DbResult<> move_aside(const DbError& why);
    [[nodiscard]] DbResult<> ensure_usable();
    [[nodiscard]] DbResult<> read_into(Loaded& loaded, const Domain& domain,
                                       const std::string& nexthop);
    [[nodiscard]] DbResult<std::vector<Listed>> read_list(const std::string& after,
                                                          std::size_t most);
    template <class T> [[nodiscard]] Read<T> read(std::move_only_function<DbResult<T>()> from);
    // What a read that failed leads to, and its fault.
    [[nodiscard]] std::optional<DbError> after_failed_read(const DbError& error);

    std::string path_;
    WallClock wall_clock_;
    int lock_; // a descriptor of the folder
    std::unique_ptr<Database> database_;
    std::optional<DbError> fault_;
    std::optional<std::chrono::steady_clock::time_point> moved_aside_at_;
    std::vector<std::string> incidents_;
};

} // namespace postseal::store
