// fleet/kept_overrides.h: the overrides that a fleet shares, as one node has them
//
// Lines of postseal-overrides(5) by canonical key. They are kept among the node's own facts, so
// that they count from its first answer on and while the server is away; what must be written down
// is returned. Tables other than those that they came from may not have them: doubt_all(), and what
// the new ones have not confirmed by their end is dropped. A value; thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/shared_store.h"
#include "store/fleet_rows.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace postseal::fleet {

class KeptOverrides {
  public:
    using Facts = std::vector<store::FleetFact>;

    void read(const store::FleetState& state);
    [[nodiscard]] Facts take_in(const std::vector<SharedOverride>& changed);
    void doubt_all();
    [[nodiscard]] Facts drop_doubtful();
    // Each with a newline.
    [[nodiscard]] std::string lines() const;

  private:
    [[nodiscard]] store::FleetFact put(const std::string& key, const std::string& line);

    std::map<std::string, std::string> lines_;
    std::set<std::string> doubtful_;
};

} // namespace postseal::fleet
