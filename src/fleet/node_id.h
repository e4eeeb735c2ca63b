// fleet/node_id.h: how a node is called in the shared store
//
// Made once and kept in the node's own database as the fact "node": "relay7-3f9a", the host's name
// and a random number, so that two nodes on hosts of one name, or a host set up anew, are two.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/fleet_rows.h"

#include <string>
#include <string_view>

namespace postseal::fleet {

[[nodiscard]] std::string new_node_id();

// Empty: there is no such fact.
[[nodiscard]] std::string fact(const store::FleetState& state, std::string_view name);

} // namespace postseal::fleet
