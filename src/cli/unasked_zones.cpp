// SPDX-License-Identifier: BSD-3-Clause
#include "cli/unasked_zones.h"

#include "async/uv_loop.h"
#include "dns/unbound.h"
#include "service/part_options.h"
#include "survey/unasked_zones.h"

#include <algorithm>
#include <utility>

namespace postseal::cli {

std::vector<doctor::UnaskedZone> find_unasked_zones(const config::Dns& dns,
                                                    std::span<const Nexthop> nexthops) {
    std::vector<doctor::UnaskedZone> out;
    if (!dns.forward.empty() || nexthops.empty()) return out;
    async::UvLoop loop;
    const auto resolver = dns::Unbound::open(loop, service::unbound_options(dns));
    if (!resolver) return out;
    for (const Nexthop& nexthop : nexthops)
        for (doctor::UnaskedZone& zone : survey::unasked_zones(loop, **resolver, nexthop))
            if (std::ranges::find(out, zone.name, &doctor::UnaskedZone::name) == out.end())
                out.push_back(std::move(zone));
    return out;
}

} // namespace postseal::cli
