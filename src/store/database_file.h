// store/database_file.h: the database file over its whole life, and what is done when it breaks
//
// A read that meets damage is tried again on a new connection, for a fault of the disk may pass.
// The next write() then reads the whole file; one that is damaged twice in a row is replaced, at
// most once a minute: what can be read goes into a new file (store/salvage.h), and the old one
// aside with its log, as NAME.corrupt-20260131T235959Z. A file that was removed or replaced is
// opened anew; after any other fault the next write() opens the file anew if that helps. No fault
// is thrown: what went wrong last is in the answer, what an operator must know in take_incidents().
// Reads wait neither for a write nor for its fsync: they have a connection of their own. While no
// file can be opened for writing (full or read-only disk) it is read all the same.
// Holds a lock on the folder, so that no second daemon writes there.
// Blocks on the disk.
// Threads: after open() one thread reads (the members that return Read) and one does the rest; they
// may be the same. stop() is for any thread.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/database.h"
#include "store/salvage.h"
#include "store/upkeep.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
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

    // Error: a sentence that says why a daemon must not start so, and the fix. A disk that is
    // full or read-only is not such a reason: the first write() or load() will tell.
    [[nodiscard]] static std::expected<std::unique_ptr<DatabaseFile>, std::string>
    open(std::string path, WallClock wall_clock);
    DatabaseFile(const DatabaseFile&) = delete;
    DatabaseFile& operator=(const DatabaseFile&) = delete;
    ~DatabaseFile();

    template <class T> struct Read {
        T value{};                    // what could be read
        std::optional<DbError> fault; // of this read; none where there never was a file
    };
    [[nodiscard]] Read<Loaded> load(const Domain& domain, const std::string& nexthop);
    // Runs `what`, and once more on a new connection if it meets damage. Not called where there
    // never was a file.
    using Query = std::function<DbResult<>(Database& from)>;
    [[nodiscard]] std::optional<DbError> read(const Query& what);
    template <class T>
    [[nodiscard]] Read<T> read(const std::function<DbResult<T>(Database& from)>& what) {
        Read<T> read;
        read.fault = this->read([&](Database& from) -> DbResult<> {
            auto got = what(from);
            if (!got) return std::unexpected(std::move(got.error()));
            read.value = *std::move(got);
            return {};
        });
        return read;
    }
    [[nodiscard]] Read<FleetState> fleet_state(std::size_t most);
    // What `what` writes; opens the file anew if that helps.
    [[nodiscard]] std::optional<DbError>
    change(const std::function<DbResult<>(Connection& connection)>& what);
    // True also when it cannot be done now: this round ends.
    [[nodiscard]] bool prune(WallTime before, std::size_t keys);
    [[nodiscard]] std::optional<DbError> clock_jumped(const ClockJump& jump);
    // All of the batch or nothing. An empty one opens the file anew if it is not open.
    [[nodiscard]] std::optional<DbError> write(const Batch& batch);

    // Of the last write, or why there is no database.
    [[nodiscard]] const std::optional<DbError>& fault() const { return fault_; }
    // Something was lost, or may have been.
    [[nodiscard]] std::vector<std::string> take_incidents();
    // Nothing was.
    [[nodiscard]] std::vector<std::string> take_notes();
    // A read has met damage: a write(), be its batch empty, is to check the file.
    [[nodiscard]] bool needs_check() const { return suspect_; }
    // How many clock_jumped() have ended, well or not; any thread.
    [[nodiscard]] std::uint64_t jumps() const { return jumps_; }
    // Ends a check or a salvage early: the process is to end.
    void stop() { stop_ = true; }

  private:
    using SteadyTime = std::chrono::steady_clock::time_point;

    DatabaseFile(std::string path, WallClock wall_clock, int lock);
    [[nodiscard]] DbResult<> open_database();
    [[nodiscard]] DbResult<std::unique_ptr<Database>> open_writer();
    [[nodiscard]] DbResult<> replace(const DbError& why);
    [[nodiscard]] DbResult<Salvaged> salvage_into_new();
    [[nodiscard]] DbResult<> verify(const DbError& why);
    [[nodiscard]] DbResult<> ensure_usable();
    // Null: there is nothing to be read. Holds `alone_` where it must.
    [[nodiscard]] DbResult<Database*> reader(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] DbResult<Database*> reader_alone();
    void drop_readers();

    std::string path_;
    WallClock wall_clock_;
    int lock_; // a descriptor of the folder

    // The writer's.
    std::unique_ptr<Database> database_;
    Pruning pruning_;
    std::optional<DbError> fault_;
    std::optional<SteadyTime> replaced_at_;
    std::optional<SteadyTime> found_sound_at_;
    std::vector<std::string> incidents_, notes_;

    // The reader's.
    std::unique_ptr<Database> beside_; // the writer's connection
    std::uint64_t read_edition_ = 0;   // that `beside_` is of

    // Both threads'.
    std::mutex alone_; // held to open a writer, and to read while there is none
    std::unique_ptr<Database> reads_alone_;
    std::atomic<bool> has_writer_ = false;
    std::atomic<std::uint64_t> edition_ = 0; // another file, or one opened anew
    std::atomic<bool> suspect_ = false;      // a read has met damage
    std::atomic<bool> stop_ = false;
    std::atomic<std::uint64_t> jumps_ = 0;
};

} // namespace postseal::store
