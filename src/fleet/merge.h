// fleet/merge.h: what two nodes know of the same domain, made one
//
// Pure. All times are the shared store's server's; translated() brings a node's there and back, so
// that nodes whose clocks differ by minutes agree on what came first.
//
// Policies (StsRow):
//  1. The newest successful fetch wins, whatever its mode (RFC 8461 section 3.3: what a domain
//     serves replaces what it served).
//  2. A row without a policy is absence of evidence: it never takes one away, unexpired or not.
//  3. A failure only adds: it never touches the policy. The latest since the newest fetch counts,
//     with its count and its time for the next try. A fetch ends all failures before it.
//  4. What an operator forgot is gone with all that was known before that moment, and only that.
//  5. refresh_at goes with the newest fetch; of the same one the later, except that none ("its end
//     was noticed") wins for a policy that has expired.
//  6. record_gone goes with the newest fetch; of the same one it is what the offered row says.
//     It is only told of, never decided by.
//  7. Equal times: the policy that ends later, then the one whose octets compare greater.
//  8. Nothing is of a time to come: a fetch of more than a minute ahead loses to any other fetch;
//     else it counts as of now, and so does a failure.
//  9. A policy that this program cannot read loses to any that it can; alone it stays as it is, for
//     the nodes of a later version, and is none here (as_seen_here()). A policy lives no longer
//     than its own max_age from its fetch; after a failure the next try is at most an hour away,
//     and a policy in force is refreshed at most 25 hours after its fetch, then at most 70 minutes
//     after the last failure.
// Nexthop: the later word about DANE wins, "it was there" at the same time; the verdict is that of
// the later look, since nodes may have different settings and nobody is bound by it; the latest
// look of any counts.
//
// Rules 1 to 5, 7 and 9 give the same result in whatever order rows come, and once more changes
// nothing.
//
// The threat model: one bad node. It is bad by its CA file, resolver, trust anchor, clock or
// version, or because somebody owns it; its credentials for the shared store are good.
// What it cannot do to another node:
//  - hold back a fetch: its failures are shown, but bind only where a policy is in force here
//    (as_seen_here(), engine/sts_lookup.h), for at most an hour each; and what it failed to refresh
//    is leased to another node next (SharedStore::lease());
//  - take a policy away: not by a failure, an empty row, a policy that cannot be read (rules 2, 3,
//    9; in SQL, too: fleet/rows.cpp), nor by a clock that is ahead (rule 8); prune() counts by the
//    server's clock and the node's, whichever shows less, and no policy in force is pruned;
//  - shorten or extend the life of what others fetched; put off its refresh (rules 5, 9);
//  - speak in this node's name, be it by its id in a copied state_dir: this node's own word is what
//    its own row says (as_seen_here());
//  - make "securely no DANE" remembered: what is remembered as absent is what this node saw itself
//    (as_seen_here(), engine/nexthop_notes.h), so row 4 of the decision table is never another's
//    doing; nor take away that DANE was there;
//  - decide by its verdicts: each node decides for itself.
// Two nodes with one id, since a machine was copied, are told of by both (FleetStore::report()),
// for what they share is said of one and may be the other's. Until one has another id none of the
// above changes for the rest; of the two, a lease of one, so a policy may be fetched twice, and
// neither's failures leave its refresh to the other first. What it can do:
//  - a policy that it fetched counts everywhere, also one of mode none: whoever has the forger's CA
//    in its trust store (https.ca_file) and is lied to can weaken the fleet for as long as that
//    policy lives or until another node fetches the true one, daily; `show` names the node. A clock
//    that was wrong at the fetch, and was set right without a jump being noticed, makes a fetch
//    newer by as much, until the next one;
//  - say that DANE was there: for 7 days a failing MX lookup here gives row 5, not row 4;
//  - what operators do by any node: `forget`, and overrides, which are logged by each node with
//    who set them, where and when, and listed by `postseal overrides list --shared`.
// Each claim has its test: tests/fleet/bad_node_test.cpp, tests/system/test_fleet_bad_node.py.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/store.h"

#include <optional>

namespace postseal::fleet {

struct SharedPolicy {
    store::StsRow row;                    // origin and failed_by: the nodes' names
    std::optional<WallTime> forgotten_at; // by an operator

    friend bool operator==(const SharedPolicy&, const SharedPolicy&) = default;
};

struct SharedNexthop {
    store::NexthopRow row;
    std::optional<WallTime> forgotten_at;

    friend bool operator==(const SharedNexthop&, const SharedNexthop&) = default;
};

// An operator's override for all nodes, as a line of postseal-overrides(5) says it.
struct SharedOverride {
    std::string key;  // canonical
    std::string line; // empty: removed, and kept as long as the others
    std::string by;   // who set it, and where
    WallTime at;

    friend bool operator==(const SharedOverride&, const SharedOverride&) = default;
};

// `now`: the server's. Both are about the same domain, nexthop or key.
[[nodiscard]] SharedPolicy merge(const SharedPolicy& held, const SharedPolicy& offered,
                                 WallTime now);
[[nodiscard]] SharedNexthop merge(const SharedNexthop& held, const SharedNexthop& offered,
                                  WallTime now);
// The newest wins, one that removes as well; at the same time the greater text.
[[nodiscard]] SharedOverride merge(const SharedOverride& held, const SharedOverride& offered,
                                   WallTime now);

// What a node keeps that has `own` and hears of `theirs`, both by its own clock. Its own failure
// stays where no policy is in force, and a row of its own that is of a time to come, for then its
// clock has been set, stays as it is. A policy taken over has the age that the server's clock
// gives it, and from `moment` on this node counts it.
[[nodiscard]] store::StsRow as_seen_here(const store::StsRow& own, const SharedPolicy& theirs,
                                         const store::Moment& moment);
// Its own verdict, if it has one; its own word about DANE, unless another saw it there since.
[[nodiscard]] store::NexthopRow as_seen_here(const store::NexthopRow& own,
                                             const SharedNexthop& theirs, WallTime now);

// What a difference means to a node that held `before` and now has `after`.
enum class Difference {
    none,
    quiet,   // of times and failures: the answers that it gives stay right
    binding, // its answers may be others now
};
[[nodiscard]] Difference news(const store::StsRow& before, const store::StsRow& after,
                              WallTime now);
[[nodiscard]] Difference news(const store::NexthopRow& before, const store::NexthopRow& after);

// Whether `merged` is worth a write where `held` is: looks alone are reported once a day, for nodes
// look every hour; names that promise nothing and are not there yet never, for whoever may ask can
// make up as many as he likes.
[[nodiscard]] bool is_worth_sharing(const SharedPolicy& held, const SharedPolicy& merged);
[[nodiscard]] bool is_worth_sharing(const SharedNexthop& held, const SharedNexthop& merged);
[[nodiscard]] bool is_worth_sharing(const SharedOverride& held, const SharedOverride& merged);

// Clocks that differ by less are taken for equal: it is the network's doing, and would move every
// time by it, so that the same fetch seemed to be another.
inline constexpr milliseconds clocks_differ{100};

// Every time moved by so much. Those of no policy and of no failure, which are 0, stay.
[[nodiscard]] WallTime translated(WallTime time, milliseconds by);
[[nodiscard]] std::optional<WallTime> translated(std::optional<WallTime> time, milliseconds by);
[[nodiscard]] store::StsRow translated(store::StsRow row, milliseconds by);
[[nodiscard]] store::NexthopRow translated(store::NexthopRow row, milliseconds by);

} // namespace postseal::fleet
