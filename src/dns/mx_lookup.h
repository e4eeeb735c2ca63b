// dns/mx_lookup.h: a nexthop's MX hosts, each with its DANE state (RFC 7672 section 2.2)
//
// mx_lookup() asks for the MX RRset (a CNAME at the domain is followed), takes at most 128 hosts by
// preference, and looks them up in that order; a literal host is its own and only host. Hosts
// beyond are counted in `beyond`, addresses in `addresses`; what Postfix refuses is left out
// (mx_rdata.h). It never fails: what went wrong is in the result. ttl is the least TTL of all
// RRsets used, unbounded; 0 when something failed.
//
// Whoever publishes the records chooses where they lead. The zones of hosts may be delegated to
// name servers of somebody else, who then pays for each host that cannot be looked up
// (contrib/doc/security.md). So at most three hosts are looked up at once, two of any one party;
// and after as many failures the others, or the party's others, count as failed, too. A party is
// all that is below a domain that somebody registered: the hosts of one provider, whose dead DNS
// does not hide another.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "async/task.h"
#include "dns/resolver.h"
#include "postseal/base/nexthop.h"
#include "postseal/verdict/evidence.h"

#include <cstddef>

namespace postseal::dns {

inline constexpr std::size_t max_hosts_at_once = 3; // in flight or failed
inline constexpr std::size_t max_of_party = 2;      // the same

// `progress`, if given, is filled step by step and outlives the Task: whoever cannot wait reads
// from it what is known (an MX RRset that is pending is failed, a host that is pending is F, see
// verdict::HostLookup). `changed` is called after each step and must only look.
[[nodiscard]] async::Task<verdict::Mx> mx_lookup(async::Loop& loop, Resolver& resolver,
                                                 Nexthop nexthop, verdict::Mx* progress = nullptr,
                                                 async::Callback changed = {});

} // namespace postseal::dns
