// fleet/shared_store.h: the tables that the nodes of a fleet share
//
// Plain SQL that PostgreSQL, CockroachDB and YugabyteDB have in common. Times in the tables are
// milliseconds since 1970 by the server's clock, and so are all times here.
// Change feed: a transaction that writes first counts the one row of postseal_feed up; the lock on
// that row makes the order of versions the order of commits, so that whoever has read up to a
// version misses nothing before it. Its rows carry that version; changes() reads them by index, and
// one row where there is nothing new.
// Leases: due policies are given to one node each (FOR UPDATE SKIP LOCKED) until a time; a node
// that dies gives them back by that.
// Writing is reading, merging (fleet/merge.h) and writing inside of one such transaction.
// Blocks; thread: one at a time. Whatever is called connects first if it must. Errors:
// fleet::Error; nothing was changed then.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/merge.h"
#include "fleet/postgres.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::fleet {

inline constexpr int schema_version = 2;

struct Node {
    std::string id;      // its own for ever: "relay7-3f9a"
    std::string version; // of postseal
    WallTime started_at;
    WallTime seen_at;
    std::int64_t feed = 0; // how far it has read

    friend bool operator==(const Node&, const Node&) = default;
};

// An operator's override for all nodes, as a line of postseal-overrides(5) says it.
struct SharedOverride {
    std::string key;  // canonical
    std::string line; // empty: removed
    std::string by;   // who set it, and where
    WallTime at;

    friend bool operator==(const SharedOverride&, const SharedOverride&) = default;
};

struct Changes {
    std::vector<Policy> policies;
    std::vector<Look> looks;
    std::vector<SharedOverride> overrides;
    std::int64_t upto = 0;   // of the feed: all before and including it is known now
    std::int64_t latest = 0; // that there is
};

struct Facts { // of one destination
    std::optional<Policy> policy;
    std::optional<Look> look;
};

struct Batch {
    std::vector<Policy> policies;
    std::vector<Look> looks;
    std::size_t written = 0; // offer()'s: so many of them changed what was there
};

struct About {
    std::string identity; // of these tables, for ever; text of chance
    int schema = 0;
    std::int64_t feed = 0;
};

class SharedStore {
  public:
    SharedStore(std::string uri, Limits limits, const Interrupt& interrupt);

    // Makes the tables, or brings them up to date. True: something was done.
    [[nodiscard]] Result<bool> init();
    // Fault::schema with the remedy: the tables are not there, or of another version.
    [[nodiscard]] Result<About> check();

    // What was written after `after`; at most so many rows of each kind.
    [[nodiscard]] Result<Changes> changes(std::int64_t after, std::size_t most);
    // Those behind `after`, in the server's order of keys; at most so many.
    [[nodiscard]] Result<std::vector<Policy>> policies_after(const std::string& after,
                                                             std::size_t most);
    [[nodiscard]] Result<std::vector<Look>> looks_after(const std::string& after, std::size_t most);
    [[nodiscard]] Result<Facts> find(const std::string& domain, const std::string& nexthop);
    // Gives them as they are now, merged, in the same order.
    [[nodiscard]] Result<Batch> offer(const Batch& batch);
    // The longest due first; those of others whose time is over, too. What the node itself failed
    // to fetch last is left to others for some minutes (fleet/merge.h, the threat model).
    [[nodiscard]] Result<std::vector<Policy>> lease(const std::string& node, std::size_t most,
                                                    milliseconds hold);
    // Tells all nodes by the feed. `at` is the server's to say.
    [[nodiscard]] Result<> set(const SharedOverride& override_);
    // Those that have not been removed, by key.
    [[nodiscard]] Result<std::vector<SharedOverride>> overrides();
    // Rows that nobody has changed for so long by the server's clock, at most so many of each kind;
    // how many went.
    [[nodiscard]] Result<std::size_t> prune(milliseconds age, std::size_t most);
    [[nodiscard]] Result<> report(const Node& node);
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
    // Of a Policy or a Look, T.
    template <class T>
    [[nodiscard]] Result<std::vector<T>> select(std::string_view which, const Params& params);
    template <class T>
    [[nodiscard]] Result<std::vector<T>> with_keys(const std::vector<std::string>& keys);
    template <class T>
    [[nodiscard]] Result<std::vector<T>> behind(const std::string& after, std::size_t most);
    template <class T>
    [[nodiscard]] Result<> write(const std::vector<T>& facts, std::int64_t version);
    [[nodiscard]] Result<Batch> merged(const Batch& batch, Batch& worth_writing);
    [[nodiscard]] Result<Batch> offer_in_transaction(const Batch& batch);
    // Begins a transaction whose rows carry that version.
    [[nodiscard]] Result<std::int64_t> next_version();
    [[nodiscard]] Result<std::vector<SharedOverride>> changed_overrides(const Params& range);

    Postgres postgres_;
    bool checked_ = false; // this connection's tables
    About about_;
    milliseconds clock_{0}; // the server's, less the steady one
};

} // namespace postseal::fleet
