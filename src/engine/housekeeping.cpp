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

Housekeeping::Housekeeping(Sources sources) : sources_(sources), group_(sources.loop) {
    group_.start(prune());
}

async::Task<> Housekeeping::prune() {
    for (;;) {
        // What a wrong clock makes old would be gone for good.
        if (!sources_.clock.confirmed()) {
            co_await async::Sleep(sources_.loop, until_confirmed);
            continue;
        }
        const WallTime before = sources_.clock.now() - kept;
        const bool round_ended = co_await sources_.store.prune(before);
        const milliseconds pause = round_ended ? between_rounds : between_steps;
        co_await async::Sleep(sources_.loop, pause);
    }
}

} // namespace postseal::engine
