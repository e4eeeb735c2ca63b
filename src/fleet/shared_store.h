// fleet/shared_store.h: the tables that the nodes of a fleet share
//
// PostgreSQL's SQL; contrib/doc/fleet-sql.md says of each statement why it can be run again, and
// what CockroachDB's and YugabyteDB's documentation says of it. Times in the tables are
// milliseconds since 1970 by the server's clock, and so are all times here. Change feed: a
// statement that writes first counts the one row of postseal_change up; the lock on that row makes
// the order of versions the order of commits, so that whoever has read up to a version misses
// nothing before it. Its rows carry that version; changes() reads them by index, and one row where
// there is nothing new. Each version has a random token in postseal_log: a server that has another
// one than this node has read there is of another history (fleet/feed_history.h), whatever its
// numbers are. Leases: due policies are given to one node each (FOR UPDATE SKIP LOCKED) until a
// time; those of a node that dies end then. Writing is reading without a lock, merging
// (fleet/merge.h), and one statement that writes what nobody has changed since; what somebody has
// is read and merged again. No transaction stays open, so a node that dies blocks nobody. The
// statement does nothing where the tables are of another schema. Blocks; thread: one at a time.
// Whatever is called connects first if it must.
// Errors: fleet::Error; nothing was changed then.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/feed_history.h"
#include "fleet/merge.h"
#include "fleet/postgres.h"
#include "fleet/rows.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::fleet {

inline constexpr int schema_version = 3;
// Rows that one write may have; each page of the feed is larger, so that it gets beyond it.
inline constexpr std::size_t max_group = 200;
inline constexpr std::size_t min_page = max_group + 1;

struct Node {
    std::string id;      // its own for ever: "relay7-3f9a"
    std::string version; // of postseal
    WallTime started_at;
    WallTime seen_at;
    std::int64_t feed = 0; // how far it has read

    friend bool operator==(const Node&, const Node&) = default;
};

struct Changes {
    std::vector<SharedPolicy> policies;
    std::vector<SharedNexthop> looks;
    std::vector<SharedOverride> overrides;
    RowVersions versions;       // of all of these
    std::size_t refused = 0;    // rows that no node writes: too large, or about no domain
    FeedVersion upto;           // all before and including it is known now
    std::int64_t latest = 0;    // that there is
    bool other_history = false; // and nothing else was read
};

struct Facts { // of one destination
    std::optional<SharedPolicy> policy;
    std::optional<SharedNexthop> look;
    RowVersions versions;
};

struct Batch {
    std::vector<SharedPolicy> policies;
    std::vector<SharedNexthop> looks;
    std::vector<SharedOverride> overrides;
    // Of offer():
    std::size_t written = 0; // so many of them changed what was there
    RowVersions versions;    // of all of them
    FeedVersion last;        // the last that it wrote; 0: it wrote nothing
};

struct About {
    std::string identity; // of these tables, for ever; random text
    int schema = 0;
    std::int64_t feed = 0;
};

class SharedStore {
  public:
    SharedStore(std::string uri, Limits limits, const Interrupt& interrupt);

    // Makes the tables, or brings them up to date. True: something was done. One at a time, whoever
    // runs it; the others wait for it, up to a minute, and call on_wait once.
    [[nodiscard]] Result<bool> init(const std::function<void()>& on_wait = {});
    // Fault::schema with the fix: the tables are not there, or of another version.
    [[nodiscard]] Result<About> check();

    // What was written after `after`; at most so many rows of each kind. A feed that ends before
    // `at_least` is of another history.
    [[nodiscard]] Result<Changes> changes(const FeedVersion& after, std::size_t most,
                                          std::int64_t at_least = 0);
    // What the log has of these versions.
    [[nodiscard]] Result<std::vector<FeedVersion>> log_of(const std::vector<FeedVersion>& versions);
    // Those behind `after`, in the server's order of keys; at most so many.
    [[nodiscard]] Result<std::vector<SharedPolicy>> policies_after(const std::string& after,
                                                                   std::size_t most);
    [[nodiscard]] Result<std::vector<SharedNexthop>> nexthops_after(const std::string& after,
                                                                    std::size_t most);
    [[nodiscard]] Result<Facts> find(const std::string& domain, const std::string& nexthop);
    // Gives them as they are now, merged, in the same order.
    [[nodiscard]] Result<Batch> offer(const Batch& batch);
    // The longest due first; those of others whose time is over, too. What the node itself failed
    // to fetch last is left to others for some minutes (fleet/merge.h, the threat model).
    [[nodiscard]] Result<std::vector<SharedPolicy>> lease(const std::string& node, std::size_t most,
                                                          milliseconds hold);
    // Tells all nodes by the feed. `at` is the server's to say; it is later than any before.
    [[nodiscard]] Result<> set(const SharedOverride& override_);
    // Those that have not been removed, by key.
    [[nodiscard]] Result<std::vector<SharedOverride>> overrides();
    // Rows that nobody has changed for so long, at most so many of each kind; how many went. The
    // server's clock may be wrong, or the node's, which shows `own_now`: the earlier one counts. No
    // policy goes before it has expired.
    [[nodiscard]] Result<std::size_t> prune(milliseconds age, std::size_t most, WallTime own_now);
    // True: since this node last did so, somebody else has in its name.
    [[nodiscard]] Result<bool> report(const Node& node);
    [[nodiscard]] Result<std::vector<Node>> nodes();

    // As it was found when the connection was made.
    [[nodiscard]] const About& about() const { return about_; }
    // By what has been heard of its clock; it goes on without a connection.
    [[nodiscard]] WallTime server_now() const;

  private:
    [[nodiscard]] Result<> ready();
    [[nodiscard]] Result<Rows> run(const std::string& sql, const Params& params = {});
    // Notes the server's clock: the answer's column.
    void note_clock(WallTime server);
    // Of a SharedPolicy or a SharedNexthop, T.
    template <class T>
    [[nodiscard]] Result<std::vector<T>> select(std::string_view which, const Params& params);
    [[nodiscard]] Result<Changes> read_changes(const FeedVersion& after, std::size_t most,
                                               std::int64_t at_least);
    template <class T>
    [[nodiscard]] Result<> find_in(const std::string& key, std::vector<T>& facts,
                                   RowVersions& versions);
    template <class T>
    [[nodiscard]] Result<std::vector<T>> with_keys(const std::vector<std::string>& keys);
    template <class T>
    [[nodiscard]] Result<std::vector<T>> behind(const std::string& after, std::size_t most);
    // `facts` is left merged; what is worth writing is added to the others.
    template <class T>
    [[nodiscard]] Result<> merge_with_held(std::vector<T>& facts, std::vector<Versioned<T>>& fresh,
                                           std::vector<Versioned<T>>& changed,
                                           RowVersions& versions);
    struct Worth;
    // How many rows were written; `batch` takes their versions.
    [[nodiscard]] Result<std::size_t> write(const Worth& worth, Batch& batch);
    [[nodiscard]] Result<std::size_t> write_once(const WriteStatement& statement, Batch& batch);
    [[nodiscard]] Result<bool> lock_schema();
    [[nodiscard]] Result<std::optional<bool>> init_once();
    [[nodiscard]] Result<int> found_schema();
    [[nodiscard]] Result<> make_tables(int from);
    [[nodiscard]] Result<> add_overrides(Changes& changes, const Params& range);
    void pause_after_conflict(int attempt);
    [[nodiscard]] static std::string new_token();

    Postgres postgres_;
    bool checked_ = false; // this connection's tables
    About about_;
    milliseconds clock_{0};               // the server's, less the steady one
    std::optional<WallTime> reported_at_; // when report() was last tried
    std::minstd_rand chance_{std::random_device()()};
};

} // namespace postseal::fleet
