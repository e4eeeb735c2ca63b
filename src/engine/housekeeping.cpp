// SPDX-License-Identifier: BSD-3-Clause
#include "engine/housekeeping.h"

#include "async/loop.h"

namespace postseal::engine {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds between_steps = 1s;
constexpr milliseconds between_rounds = 24h;
constexpr milliseconds until_confirmed = 10s;

} // namespace

Housekeeping::Housekeeping(Dependencies dependencies)
    : dependencies_(dependencies), group_(dependencies.loop) {
    group_.start(prune());
}

async::Task<> Housekeeping::prune() {
    for (;;) {
        // What a wrong clock makes old would be gone for good.
        if (!dependencies_.clock.confirmed()) {
            co_await async::Sleep(dependencies_.loop, until_confirmed);
            continue;
        }
        const WallTime before = dependencies_.clock.now() - kept;
        const bool round_ended = co_await dependencies_.store.prune(before);
        const milliseconds pause = round_ended ? between_rounds : between_steps;
        co_await async::Sleep(dependencies_.loop, pause);
    }
}

} // namespace postseal::engine
