// store/sqlite.h: the store in an SQLite file
//
// Saves wait in memory, the newest for each key, and are written together 50 ms after the first. A
// write that fails is tried again after 1 s, doubling to 1 min; its rows wait so long, up to 32 MiB
// of policies and 8 MiB each of nexthops and of history, beyond that the oldest saved go; a promise
// that went so is "not read" until it would have expired or is saved again. What an operator forgot
// does not go. flush() ends when one attempt to write all before it has ended; status() tells
// whether it failed. What befalls a damaged file: store/database_file.h. Degraded: while the last
// write or the last read failed; and, until the end of the process, since a file was moved aside or
// lost.
// Thread: the loop's; one worker writes and one reads, so that no load waits for an fsync, and what
// is written while it reads is laid over what it has read. The log callback is called on the loop's
// thread, when something breaks and when it works again. The destructor writes what waits, and
// blocks on it. No load() or flush() may be left by then.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/ring.h"
#include "async/worker.h"
#include "store/archive.h"
#include "store/database_file.h"
#include "store/lost_promises.h"
#include "store/pending.h"
#include "store/store.h"

#include <array>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace postseal::store {

class SqliteStore final : public Store, public Archive {
  public:
    using Log = std::function<void(std::string)>;

    // Blocks: for start only. Error: a sentence that says why a daemon must not start so, and the
    // fix.
    [[nodiscard]] static std::expected<std::unique_ptr<SqliteStore>, std::string>
    open(async::UvLoop& loop, std::string path, DatabaseFile::WallClock wall_clock, Log log);
    SqliteStore(const SqliteStore&) = delete;
    SqliteStore& operator=(const SqliteStore&) = delete;
    ~SqliteStore() override;

    async::Task<Loaded> load(Domain policy_domain, std::string nexthop_key) override;
    async::Task<std::vector<RefreshDue>> next_refreshes(std::size_t most) override;
    void save(StsRow row) override;
    void save(NexthopRow row) override;
    void save(HistoryRow row) override;
    // Of the node of a fleet. Sees what has been saved by now.
    async::Task<FleetState> fleet_state(std::size_t most);
    // Blocks until it has been read: for the start, when nothing has been saved yet.
    [[nodiscard]] FleetState fleet_state_at_start();
    void save(Unshared row);
    void save(FleetFact fact);
    // Every row that is there by now is one that the shared store does not have. False: it could
    // not be written down.
    async::Task<bool> all_unshared();
    async::Task<bool> prune(WallTime before) override;
    void clock_jumped(ClockJump jump) override;
    async::Task<> flush() override;
    [[nodiscard]] Status status() const override;

  private:
    struct Written {
        std::optional<DbError> fault;
        std::vector<std::string> incidents;
        std::vector<std::string> notes;
    };
    async::Task<> run(Archive::Job job) override;
    template <class T>
    using From = std::move_only_function<DatabaseFile::Read<T>(DatabaseFile& file)>;
    // On the reader; what went wrong is noted.
    template <class T> async::Task<T> read(From<T> from);
    class AttemptEnded;
    class Reading;
    // Of a clock that was set; the writer has a queue.
    struct Jump {
        std::uint64_t number = 0;
        ClockJump jump;
    };
    template <class T> struct AfterJumps; // what was read, and jumps that had ended before
    // Written while somebody read, who may have read what was there before.
    struct WrittenBatch {
        std::uint64_t attempt = 0;
        std::uint64_t jumps = 0; // begun before it
        std::shared_ptr<const Batch> batch;
    };

    SqliteStore(async::UvLoop& loop, std::unique_ptr<DatabaseFile> file,
                DatabaseFile::WallClock wall_clock, Log log);
    void accepted();
    void write_after(milliseconds delay);
    void write_soon();
    void begin_write();
    async::Task<> write(std::shared_ptr<const Batch> batch);
    void settle(Written written);
    void restore_unwritten();
    void shrink_pending();
    async::Task<> move_times(ClockJump jump);
    void try_again_later();
    // What a read that began when `since` attempts had ended may lack: the newest batch first.
    [[nodiscard]] std::vector<WrittenBatch> newer(std::uint64_t since) const;
    [[nodiscard]] Loaded waiting(const Domain& domain, const std::string& nexthop,
                                 std::uint64_t since) const;
    [[nodiscard]] std::vector<RefreshDue> with_waiting(std::vector<RefreshDue> read,
                                                       std::size_t most, std::uint64_t since) const;
    // By every clock jump after the first `jumps`.
    [[nodiscard]] StsRow moved(StsRow row, std::uint64_t jumps) const;
    void keep_for_readers();
    void drop_what_is_read();
    void note_lost(const StsRow& row);
    void note_lost(const NexthopRow& row);
    void show_lost(const Domain& domain, const std::string& nexthop, Loaded& loaded) const;

    struct Trouble {
        std::string text;
        std::string since;
    };
    // Nothing: it works again.
    void note(std::optional<Trouble>& trouble, const std::optional<DbError>& fault);
    void note_incidents(std::vector<std::string> incidents);
    void note_failed_read(const DbError& fault);
    void on_calm();

    async::UvLoop& loop_;
    DatabaseFile::WallClock wall_clock_;
    Log log_;
    std::unique_ptr<DatabaseFile> file_; // the workers', while there are any
    std::unique_ptr<async::Worker> writer_;
    std::unique_ptr<async::Worker> reader_;

    Batch pending_;
    std::shared_ptr<Batch> in_flight_; // only read while the writer has it
    std::uint64_t begun_ = 0;          // attempts to write
    std::uint64_t ended_ = 0;
    std::uint64_t in_flight_jumps_ = 0; // begun before it was
    bool due_ = false;                  // the next attempt begins when this one has ended
    std::deque<Jump> jumps_;            // that a read may not show yet
    std::uint64_t jumped_ = 0;
    int moving_ = 0;                        // jumps in the writer's queue
    std::multiset<std::uint64_t> readings_; // in progress; attempts that had ended when they began
    std::deque<WrittenBatch> written_;      // the oldest first
    std::size_t written_weight_ = 0;
    std::uint64_t not_kept_ = 0; // the last attempt that found no room there
    milliseconds retry_{0};      // 0: the last attempt succeeded
    async::Timer timer_;         // to the next attempt
    async::Ring waiting_for_;    // AttemptEnded, by attempt
    std::unique_ptr<async::Group> writers_;

    std::optional<Trouble> write_trouble_, read_trouble_, loss_;
    async::Timer calm_;
    bool calm_broken_ = false;
    std::array<std::uint64_t, db_faults + 1> failures_{}; // by DbFault; the last: a file was lost
    std::uint64_t dropped_ = 0;                           // since the last attempt that succeeded
    LostPromises lost_policies_, lost_dane_;
};

} // namespace postseal::store
