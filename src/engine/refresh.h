// engine/refresh.h: looks again before it must: at what is in use, and daily at every policy
//
// Prefetch: what was asked for in the last 7 days is evaluated again at 80 % of the time its
// evidence holds, so that Postfix never waits for a known destination. Its work comes from the
// engine's index by time; what it may do at once is far below limits.lookups, so that the questions
// of clients go first.
// Policies (RFC 8461 sections 3.3 and 10.2): each unexpired one is fetched again once a day, one of
// a short life at 80 % of it, whatever DNS says. The store knows what is due, so nothing is
// forgotten by a restart; after a long time without a daemon the backlog is worked off at a steady
// rate, the longest due first. Begins when it is made; its end cancels what it does. The engine
// outlives it.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/limiter.h"
#include "async/loop.h"
#include "engine/dependencies.h"
#include "engine/engine.h"

#include <coroutine>
#include <cstddef>
#include <set>

namespace postseal::engine {

struct RefreshLimits {
    std::size_t prefetches = 128;     // in progress at once; below limits.lookups
    std::size_t fetches = 16;         // of policies, in progress at once
    milliseconds between_fetches{50}; // at least, from start to start

    // A quarter of what all lookups may be leaves the rest to clients.
    [[nodiscard]] static RefreshLimits within(const Options& options) {
        const std::size_t quarter = options.lookups / 4;
        return {.prefetches = quarter > 0 ? quarter : 1};
    }
};

class Refresh {
  public:
    Refresh(Engine& engine, const RefreshLimits& limits);
    Refresh(const Refresh&) = delete;
    Refresh& operator=(const Refresh&) = delete;
    ~Refresh();

    void reconfigure(const RefreshLimits& limits); // fetches: of the start

    [[nodiscard]] std::size_t prefetching() const { return prefetching_; }
    [[nodiscard]] std::size_t fetching() const { return fetching_.size(); }

  private:
    static void wake(void* self) { static_cast<Refresh*>(self)->prefetch(); }
    void prefetch();
    void prefetch_later();
    async::Task<> look_again(Engine::Due due);
    class Pause;
    async::Task<> refresh_policies();
    void on_policy_due(WallTime at);
    async::Task<> refresh_policy(Domain domain, async::Limiter::Permit permit);

    Dependencies dependencies_;
    Engine& engine_;
    RefreshLimits limits_;
    std::size_t prefetching_ = 0;
    async::Timer due_;
    async::Ready now_;
    async::Limiter fetches_;
    std::set<Domain> fetching_;
    WallTime soonest_ = WallTime::max(); // of what was saved since the store was asked
    Pause* pause_ = nullptr;             // while there is one
    async::Group group_;                 // last: its bodies use the rest
};

} // namespace postseal::engine
