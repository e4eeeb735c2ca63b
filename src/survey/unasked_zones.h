// survey/unasked_zones.h: zones of a destination whose name servers our resolver does not ask
//
// An operator with a zone of his own at private addresses sees a lookup that fails at once, and
// libunbound does not say why. So the delegations that lead to the name are followed here, by
// questions to servers that may be asked, until one leads only to servers that may not
// (dns/unbound.h, private_name_servers). Nothing is sent to these. Blocks, for 10 s or as long as a
// server that had answered is silent; turns the loop.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "dns/unbound.h"
#include "postseal/base/nexthop.h"
#include "postseal/doctor/facts.h"

#include <vector>

namespace postseal::survey {

// Of its MX RRset and its mail hosts, as far as their lookups fail; one zone of several of them
// comes as often.
[[nodiscard]] std::vector<doctor::UnaskedZone>
unasked_zones(async::UvLoop& loop, dns::Unbound& resolver, const Nexthop& nexthop);

} // namespace postseal::survey
