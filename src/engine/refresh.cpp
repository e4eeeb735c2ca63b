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
// Other nodes of a fleet save policies, too.
constexpr milliseconds longest_pause = 5min;
constexpr milliseconds shortest_pause = 1s;

} // namespace

// co_await Pause(refresh, 5min): so long, or until what is saved meanwhile is due.
class Refresh::Pause {
  public:
    Pause(Refresh& refresh, milliseconds delay)
        : refresh_(refresh), end_(refresh.dependencies_.loop.now() + delay) {
        refresh_.pause_ = this;
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    ~Pause() { refresh_.pause_ = nullptr; }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        waiter_ = h;
        start();
    }
    void await_resume() const noexcept {}
    void end_by(MonoTime time) {
        if (time >= end_) return;
        end_ = time;
        if (waiter_) start();
    }

  private:
    void start() {
        async::Loop& loop = refresh_.dependencies_.loop;
        timer_.start(loop, end_ - loop.now(), async::Callback::resume(waiter_));
    }
    Refresh& refresh_;
    MonoTime end_;
    std::coroutine_handle<> waiter_;
    async::Timer timer_;
};

Refresh::Refresh(Engine& engine, const RefreshLimits& limits)
    : dependencies_(engine.dependencies()), engine_(engine), limits_(limits),
      fetches_(dependencies_.loop, limits.fetches), group_(dependencies_.loop) {
    engine_.on_sooner({[](void* self) { static_cast<Refresh*>(self)->prefetch_later(); }, this});
    engine_.on_policy_due([this](WallTime at) { on_policy_due(at); });
    prefetch_later();
    group_.start(refresh_policies());
}

Refresh::~Refresh() {
    engine_.on_sooner({});
    engine_.on_policy_due({});
}

void Refresh::reconfigure(const RefreshLimits& limits) {
    limits_ = limits;
    prefetch_later();
}

void Refresh::prefetch_later() {
    if (prefetching_ >= limits_.prefetches) return; // the next that ends comes back here
    const MonoTime next = engine_.next_due();
    const MonoTime now = dependencies_.loop.now();
    if (next <= now)
        now_.post(dependencies_.loop, {&wake, this});
    else if (next != MonoTime::max())
        due_.start(dependencies_.loop, next - now, {&wake, this});
}

void Refresh::prefetch() {
    // No more in one turn, even if they end at once: clients come between.
    for (std::size_t n = 0; n < begun_in_a_turn && prefetching_ < limits_.prefetches; n++) {
        auto due = engine_.take_due();
        if (!due) break;
        prefetching_++;
        group_.start(look_again(std::move(*due)));
    }
    prefetch_later();
}

async::Task<> Refresh::look_again(Engine::Due due) {
    co_await engine_.look_again(std::move(due));
    prefetching_--;
    prefetch_later();
}

void Refresh::on_policy_due(WallTime at) {
    soonest_ = std::min(soonest_, at);
    if (pause_ == nullptr) return;
    const milliseconds wait = at - dependencies_.clock.now();
    pause_->end_by(dependencies_.loop.now() + std::max(wait, shortest_pause));
}

async::Task<> Refresh::refresh_policies() {
    // The clock may have been ahead when an earlier process saved what is due.
    const WallTime start = dependencies_.clock.now();
    dependencies_.store.clock_jumped({.from = start, .to = start});
    for (;;) {
        soonest_ = WallTime::max();
        const auto next = co_await dependencies_.store.next_refreshes(batch);
        milliseconds pause = longest_pause;
        bool begun = false;
        for (const store::RefreshDue& due : next) {
            if (const WallTime now = dependencies_.clock.now(); due.at > now) {
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
            co_await async::Sleep(dependencies_.loop, limits_.between_fetches);
        }
        if (begun) continue;
        if (soonest_ != WallTime::max())
            pause = std::min<milliseconds>(pause, soonest_ - dependencies_.clock.now());
        co_await Pause(*this, std::max(pause, shortest_pause));
    }
}

async::Task<> Refresh::refresh_policy(Domain domain, async::Limiter::Permit permit) {
    const auto active = fetching_.insert(domain).first;
    co_await engine_.refresh_policy(std::move(domain));
    fetching_.erase(active);
    const async::Limiter::Permit ends = std::move(permit);
}

} // namespace postseal::engine
