// engine/housekeeping.h: what is older than 400 days leaves the store, in small steps
//
// History, nexthops not looked up since, and what is left of policies long expired. Once a day the
// whole store is gone through, a step (Store::prune) a second, so that no lookup waits for it;
// nothing goes while the clock is not confirmed (engine/clock_watch.h).
// Begins when it is made; its end cancels what it does.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "engine/dependencies.h"

namespace postseal::engine {

class Housekeeping {
  public:
    static constexpr std::chrono::days kept{400};

    explicit Housekeeping(Dependencies dependencies);
    Housekeeping(const Housekeeping&) = delete;
    Housekeeping& operator=(const Housekeeping&) = delete;
    ~Housekeeping() = default;

  private:
    async::Task<> prune();

    Dependencies dependencies_;
    async::Group group_; // last: its body uses the rest
};

} // namespace postseal::engine
