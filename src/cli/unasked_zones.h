// cli/unasked_zones.h: survey/unasked_zones.h with a resolver of our own, as configured
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "postseal/base/nexthop.h"
#include "postseal/doctor/facts.h"

#include <span>
#include <vector>

namespace postseal::cli {

// Empty, too, where others are asked than the name servers of each zone, or the resolver cannot be
// opened.
[[nodiscard]] std::vector<doctor::UnaskedZone>
find_unasked_zones(const config::Dns& dns, std::span<const Nexthop> nexthops);

} // namespace postseal::cli
