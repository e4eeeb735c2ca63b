// fleet/fleet_store.h: a node's own store beside the one that it shares with others
//
// Reads and writes are the own store's (SQLite), so they never wait for the server. What is saved
// is offered to the server 50 ms later, together; until the server has it, its key is kept in
// SQLite, across restarts. What others wrote comes by the change feed, asked for every 850 ms, is
// merged into the own store (fleet/merge.h), and told to the listener if answers may be others now.
// load() asks the server for what the own store does not know, or may not know yet because the feed
// has not been read to its end; for 300 ms at most, and not at all while the server is away or
// busy. next_refreshes() leases from the server, so that each policy is looked at by one node;
// while the server is away each looks for itself (fleet/shared_refresh.h). The server away: all
// goes on with the own store; status() says so and since when. The next attempt is made after 1 s,
// doubling to 1 min, less up to a half by chance. A database that is another one gets all that this
// node has. A server of another history than the one that was read (it failed over to a standby
// that lacked the last writes, was restored, or there are two: fleet/feed_history.h) is read again
// from the newest version that both have, and gets what was read or written above it. So after any
// of these, once all nodes have polled, all of them and the server hold the merge of what all of
// them hold, and each override is in force everywhere or nowhere;
// tests/system/test_fleet_failover.py.
// Thread: the loop's. The server is talked to on a thread of its own; the destructor does not wait
// for the server. No load() may be left by then.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/worker.h"
#include "fleet/arrivals.h"
#include "fleet/feed_history.h"
#include "fleet/kept_overrides.h"
#include "fleet/namesake.h"
#include "fleet/server.h"
#include "fleet/troubles.h"
#include "fleet/unshared.h"
#include "fleet/viewpoint.h"
#include "store/sqlite.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace postseal::fleet {

class FleetStore final : public store::Store {
  public:
    struct Log {
        std::function<void(std::string)> warning;
        std::function<void(std::string)> same_node_id; // somebody must do something
        void operator()(std::string text) const { warning(std::move(text)); }
    };
    using Clock = std::function<store::Moment()>;

    // From `first_sweep` on each row is offered again once in a while, whatever the marks say.
    FleetStore(async::UvLoop& loop, std::unique_ptr<store::SqliteStore> own,
               std::unique_ptr<Server> server, Clock clock, Log log,
               milliseconds first_sweep = std::chrono::minutes(10));
    FleetStore(const FleetStore&) = delete;
    FleetStore& operator=(const FleetStore&) = delete;
    ~FleetStore() override;

    // Called when another node's word may change answers; must not call back. One listener.
    struct Listener {
        std::function<void(const Domain& domain)> policy;
        std::function<void(const std::string& nexthop)> dane;
    };
    void on_news(Listener listener) { listener_ = std::move(listener); }
    // Called with all overrides that the fleet shares, lines of postseal-overrides(5), when they
    // have changed. They are kept in the own store, too.
    using OverridesListener = std::function<void(const std::string& lines)>;
    void on_overrides(OverridesListener listener) { overrides_listener_ = std::move(listener); }
    // As they are now, at first those that the own store has kept; while these cannot be read,
    // load() ends in "not read", and they reach the listener once they can.
    [[nodiscard]] std::string overrides() const { return overrides_.lines(); }

    async::Task<store::Loaded> load(Domain policy_domain, std::string nexthop_key) override;
    async::Task<std::vector<store::RefreshDue>> next_refreshes(std::size_t most) override;
    void save(store::StsRow row) override;
    void save(store::NexthopRow row) override;
    void save(store::HistoryRow row) override;
    async::Task<bool> prune(WallTime before) override;
    void clock_jumped(store::ClockJump jump) override;
    async::Task<> flush() override;
    [[nodiscard]] store::Status status() const override;

  private:
    template <class T> using Job = std::move_only_function<Result<T>(SharedStore&)>;
    template <class T> struct Done {
        Result<T> result;
        milliseconds ahead; // the server's clock, of ours
    };
    // On the server's thread; a fault is noted.
    template <class T> async::Task<Result<T>> call(Operation operation, Job<T> job);
    [[nodiscard]] bool answers() const; // the server, and at once

    async::Task<> follow();
    async::Task<> begin();
    async::Task<bool> poll();
    async::Task<> take_up(std::string identity);
    async::Task<> go_back();
    void feed_read(const Changes& changes);
    void note_refused(std::size_t count);
    void offer_again(const std::vector<RowToOffer>& rows);
    void note_written(const FeedVersion& version);
    void note_shared(RowToOffer row, const RowVersions& versions);
    void announce_overrides(const KeptOverrides::Lines& before);
    void take_in_overrides(const std::vector<SharedOverride>& theirs, std::int64_t version);
    [[nodiscard]] bool all_is_shared() const;
    void keep(KeptOverrides::Facts facts);
    async::Task<> report();
    void note_namesake(bool seen);
    [[nodiscard]] std::string namesake_text() const;
    async::Task<> share();
    async::Task<bool> share_some(std::vector<Unshared::Entry> entries);
    struct Offered;
    async::Task<Offered> gather(std::vector<Unshared::Entry> entries);
    async::Task<std::vector<store::RefreshDue>> next_alone(std::size_t most);
    async::Task<> make_due(store::RefreshDue due);
    [[nodiscard]] double some_chance();
    // False: it did not answer.
    async::Task<bool> ask(std::string domain, std::string nexthop);
    // Whether the policy that others may have is here: a destination that promised nothing before
    // the server fell silent does so still.
    [[nodiscard]] bool has_all(const store::Loaded& own) const;
    async::Task<> take_in_policy(SharedPolicy theirs);
    async::Task<> take_in_nexthop(SharedNexthop theirs);
    async::Task<> prune_shared(milliseconds age);
    void keep(const store::StsRow& before, store::StsRow after);
    void keep(const store::NexthopRow& before, store::NexthopRow after);
    void offer_soon(std::string key, std::optional<WallTime> forgotten_at);
    void share_after(milliseconds delay);
    void note(Operation operation, const Error* error);
    void offer_overdue(const std::vector<store::RefreshDue>& due);
    async::Task<> sweep();
    void remember(std::string name, std::string value);
    void remember_feed();

    async::UvLoop& loop_;
    Clock clock_;
    Log log_;
    Listener listener_;
    std::unique_ptr<store::SqliteStore> own_;
    std::unique_ptr<Server> server_;                        // its store: the worker's
    std::shared_ptr<std::atomic<std::int64_t>> busy_since_; // ms of the steady clock; 0: it is not
    std::unique_ptr<async::Worker> worker_;

    Viewpoint here_;         // this node
    std::string identity_;   // of the tables that the feed has been read from
    FeedHistory feed_;       // how far it has been read
    FeedHistory written_;    // by this node, behind that; for a restart
    bool first_poll_ = true; // of this run; what was written before it is not known by row
    AheadOfFeed ahead_;
    SharedKeys shared_keys_;
    std::size_t refused_ = 0; // rows, since it was last logged
    MonoTime say_refused_at_;
    bool own_unread_ = false;     // a row of this node's own, since the last poll
    bool own_facts_read_ = false; // what it keeps of its fleet, overrides among it
    bool in_step_ = false;        // the feed was read to its end at the last poll
    MonoTime in_step_at_;         // when it last was
    bool has_been_in_step_ = false;
    WallTime started_at_;
    MonoTime reported_at_;
    Namesake namesake_;

    MonoTime ask_for_leases_at_;
    std::unordered_map<std::string, MonoTime> offered_overdue_; // domains, and when
    MonoTime sweep_at_;
    std::string swept_to_;                    // a nexthop
    std::unordered_set<std::string> put_off_; // domains, since the server is away

    OverridesListener overrides_listener_;
    KeptOverrides overrides_;

    Arrivals arrivals_;

    Unshared unshared_;
    bool sharing_ = false;
    async::Timer share_timer_;

    Troubles troubles_;
    milliseconds retry_{0}; // since the last attempt to share that failed
    std::minstd_rand chance_{std::random_device()()};
    std::unique_ptr<async::Group> group_; // its bodies use the rest
};

} // namespace postseal::fleet
