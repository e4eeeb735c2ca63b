// dns/mx_lookup.h: a nexthop's MX hosts, each with its DANE state (RFC 7672 section 2.2)
//
// mx_lookup() asks for the MX RRset (a CNAME at the domain is followed), takes at most 128 hosts by
// preference, and looks them up in that order; a literal host is its own and only host. Whoever
// publishes the records chooses where they lead, so their zones may be delegated to name servers of
// somebody else, who pays for each host that cannot be looked up (contrib/doc/security.md). So two
// hosts are looked up at once, and after two that failed no other is: it counts as failed. Hosts
// that are not looked up are counted in `beyond`, addresses in `addresses`; what Postfix refuses is
// left out (mx_rdata.h). It never fails: what went wrong is in the result. ttl is the least TTL of
// all RRsets used, unbounded; 0 when something failed.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "async/task.h"
#include "dns/resolver.h"
#include "postseal/base/nexthop.h"
#include "postseal/verdict/evidence.h"

#include <cstddef>

namespace postseal::dns {

inline constexpr std::size_t max_hosts_at_once = 2;
inline constexpr std::size_t max_failed_hosts = 2;

// `progress`, if given, is filled step by step and outlives the Task: whoever cannot wait reads
// from it what is known (an MX RRset that is pending is failed, a host that is pending is F, see
// verdict::HostLookup). `changed` is called after each step and must only look.
[[nodiscard]] async::Task<verdict::Mx> mx_lookup(async::Loop& loop, Resolver& resolver,
                                                 Nexthop nexthop, verdict::Mx* progress = nullptr,
                                                 async::Callback changed = {});

} // namespace postseal::dns
