// fleet/arrivals.h: policies that have come from others a moment ago
//
// A lookup that began before a policy came does not know of it, and saves what it has found out,
// say a failure, as if there were none: that must not take the policy away, not for a moment.
// Kept for longer than a lookup takes; 4,096 at most, the latest.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/merge.h"

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

namespace postseal::fleet {

class Arrivals {
  public:
    void note(const store::StsRow& row, MonoTime now);
    // What is to be saved instead of `row`, which a lookup has made.
    [[nodiscard]] store::StsRow caught_up(store::StsRow row, WallTime wall);
    // An operator's.
    void forget(const Domain& domain) { rows_.erase(domain.name()); }

  private:
    struct Arrival {
        store::StsRow row;
        std::uint64_t number = 0;
    };
    struct Slot {
        MonoTime at;
        std::string name;
        std::uint64_t number = 0;
    };
    std::unordered_map<std::string, Arrival> rows_;
    std::deque<Slot> order_;
    std::uint64_t last_ = 0;
};

} // namespace postseal::fleet
