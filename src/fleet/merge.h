// fleet/merge.h: what two nodes know of the same domain, made one
//
// Pure. All times are the shared store's server's; translated() brings a node's there and back, so
// that nodes whose clocks differ by minutes agree on what came first.
//
// Policy (an StsRow):
//  1. The newest successful fetch wins, whatever its mode (RFC 8461 section 3.3: what a domain
//     serves replaces what it served).
//  2. A row without a policy is absence of evidence: it never takes one away, unexpired or not.
//  3. A failure only adds: it never touches the policy. The latest since the newest fetch counts,
//     with its count and its time for the next try. A fetch ends all failures before it.
//  4. What an operator forgot is gone with all that was known before that moment, and only that.
//  5. refresh_at goes with the newest fetch; of the same one the later, except that 1970 ("its end
//     was noticed") wins for a policy that has run out.
//  6. record_gone goes with the newest fetch; of the same one it is what the offered row says.
//     It is only told of, never decided by.
//  7. Equal times: the policy that ends later, then the one whose octets compare greater.
//  8. Nothing is of a time to come: a fetch of the future counts as of now, and so does a failure.
// Nexthop: the later word about DANE wins, "it was there" at the same time; the verdict is that of
// the later look, since nodes may have different settings and nobody is bound by it; the latest
// look of any counts.
//
// Rules 1 to 5, 7 and 8 give the same result in whatever order rows come, and once more changes
// nothing.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/store.h"

namespace postseal::fleet {

struct Policy {
    store::StsRow row;     // origin and failed_by: the nodes' names
    WallTime forgotten_at; // by an operator; 1970: never

    friend bool operator==(const Policy&, const Policy&) = default;
};

struct Look {
    store::NexthopRow row;
    WallTime forgotten_at;

    friend bool operator==(const Look&, const Look&) = default;
};

// `now`: the server's. Both are about the same domain or nexthop.
[[nodiscard]] Policy merge(const Policy& held, const Policy& offered, WallTime now);
[[nodiscard]] Look merge(const Look& held, const Look& offered, WallTime now);

// What a node keeps that has `own` and hears of `merged`: its own verdict, if it has one.
[[nodiscard]] store::NexthopRow as_seen_here(const store::NexthopRow& own, const Look& merged);

// What a difference means to a node that held `before` and now has `after`.
enum class News {
    none,
    quiet,   // of times and failures: the answers that it gives stay right
    binding, // its answers may be others now
};
[[nodiscard]] News news(const store::StsRow& before, const store::StsRow& after, WallTime now);
[[nodiscard]] News news(const store::NexthopRow& before, const store::NexthopRow& after);

// Whether `merged` is worth a write where `held` is: looks alone are told once a day, for nodes
// look every hour.
[[nodiscard]] bool is_worth_sharing(const Policy& held, const Policy& merged);
[[nodiscard]] bool is_worth_sharing(const Look& held, const Look& merged);

// Clocks that differ by less are taken for equal: it is the network's doing, and would move every
// time by it, so that the same fetch seemed to be another.
inline constexpr milliseconds clocks_differ{100};

// Every time moved by so much, 1970 ("never") left alone.
[[nodiscard]] WallTime translated(WallTime time, milliseconds by);
[[nodiscard]] store::StsRow translated(store::StsRow row, milliseconds by);
[[nodiscard]] store::NexthopRow translated(store::NexthopRow row, milliseconds by);

} // namespace postseal::fleet
