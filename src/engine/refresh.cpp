// SPDX-License-Identifier: BSD-3-Clause
#include "engine/refresh.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace postseal::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t batch = 64;
constexpr std::size_t begun_in_a_turn = 16;
// What is saved while nothing is due is not due sooner than this: the shortest back-off.
constexpr milliseconds longest_pause = 5min;
constexpr milliseconds shortest_pause = 1s;

} // namespace

Refresh::Refresh(Engine& engine, const RefreshLimits& limits)
    : sources_(engine.sources()), engine_(engine), limits_(limits),
      fetches_(sources_.loop, limits.fetches), group_(sources_.loop) {
    engine_.on_sooner({[](void* self) { static_cast<Refresh*>(self)->look_ahead_later(); }, this});
    look_ahead_later();
    group_.start(refresh_policies());
}

Refresh::~Refresh() { engine_.on_sooner({}); }

void Refresh::reconfigure(const RefreshLimits& limits) {
    limits_ = limits;
    look_ahead_later();
}

void Refresh::look_ahead_later() {
    if (looking_ahead_ >= limits_.look_aheads) return; // the next that ends comes back here
    const MonoTime next = engine_.next_due();
    const MonoTime now = sources_.loop.now();
    if (next <= now)
        now_.post(sources_.loop, {&wake, this});
    else if (next != MonoTime::max())
        due_.start(sources_.loop, next - now, {&wake, this});
}

void Refresh::look_ahead() {
    // No more in one turn, even if they end at once: clients come between.
    for (std::size_t n = 0; n < begun_in_a_turn && looking_ahead_ < limits_.look_aheads; n++) {
        auto due = engine_.take_due();
        if (!due) break;
        looking_ahead_++;
        group_.start(look_again(std::move(*due)));
    }
    look_ahead_later();
}

async::Task<> Refresh::look_again(Engine::Due due) {
    co_await engine_.look_again(std::move(due));
    looking_ahead_--;
    look_ahead_later();
}

async::Task<> Refresh::refresh_policies() {
    for (;;) {
        const auto next = co_await sources_.store.next_refreshes(batch);
        milliseconds pause = longest_pause;
        bool begun = false;
        for (const store::RefreshDue& due : next) {
            if (const WallTime now = sources_.clock.now(); due.at > now) {
                pause = std::min<milliseconds>(pause, due.at - now);
                break;
            }
            if (fetching_.contains(due.domain)) {
                pause = shortest_pause;
                continue;
            }
            auto permit = co_await fetches_.acquire();
            begun = true;
            group_.start(refresh_policy(due.domain, std::move(permit)));
            co_await async::Sleep(sources_.loop, limits_.between_fetches);
        }
        if (!begun) co_await async::Sleep(sources_.loop, std::max(pause, shortest_pause));
    }
}

async::Task<> Refresh::refresh_policy(Domain domain, async::Limiter::Permit permit) {
    const auto at_work = fetching_.insert(domain).first;
    co_await engine_.refresh_policy(std::move(domain));
    fetching_.erase(at_work);
    const async::Limiter::Permit ends = std::move(permit);
}

} // namespace postseal::engine
