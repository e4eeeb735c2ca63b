// store/fleet_rows.h: what a node of a fleet keeps in its own store beside what others have, too
//
// The keys of rows that the shared store does not have yet, so that they outlast its absence and a
// restart; and facts about the fleet, by name. A daemon without a shared store has none of both.
// Values.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"
#include "store/db_error.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace postseal::store {

class Connection;

struct Unshared {
    std::string key;                      // "sts/DOMAIN" or "nexthop/KEY"
    std::optional<WallTime> forgotten_at; // by an operator
    bool shared = false;                  // it is now: the key is taken out

    friend bool operator==(const Unshared&, const Unshared&) = default;
};

struct FleetFact {
    std::string name;
    std::string value;

    friend bool operator==(const FleetFact&, const FleetFact&) = default;
};

struct FleetState {
    std::vector<FleetFact> facts;
    std::vector<Unshared> unshared; // the first ones, by key
    std::size_t unshared_in_all = 0;
    std::string unread; // why not; empty: it was read
};

// All facts, and at most so many keys.
[[nodiscard]] DbResult<FleetState> fleet_state(Connection& connection, std::size_t most);
// Few rows a day on most machines, none on one without a fleet.
[[nodiscard]] DbResult<> put(Connection& connection, const Unshared& row);
[[nodiscard]] DbResult<> put(Connection& connection, const FleetFact& fact);
// Every row is one that the shared store does not have.
[[nodiscard]] DbResult<> mark_all_unshared(Connection& connection);

} // namespace postseal::store
