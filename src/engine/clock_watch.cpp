// SPDX-License-Identifier: BSD-3-Clause
#include "engine/clock_watch.h"

#include "postseal/base/names.h"

#include <algorithm>
#include <utility>

namespace postseal::engine {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds max_step = 1min;
constexpr milliseconds steady_for = 24h;
constexpr milliseconds kernel_asked_after = 1s;
constexpr milliseconds dates_differ = 5min; // by caches, and clocks that nobody looks after
constexpr std::ptrdiff_t hosts_needed = 2;
constexpr std::size_t max_hosts = 64;

} // namespace

constexpr auto clock_watch_by_names = names_for<ClockWatch::By>({
    {ClockWatch::By::nothing, "nothing"},
    {ClockWatch::By::running, "running"},
    {ClockWatch::By::hosts, "hosts"},
    {ClockWatch::By::kernel, "kernel"},
});
std::string_view to_string(ClockWatch::By by) { return clock_watch_by_names[by]; }

ClockWatch::ClockWatch(const Clock& clock, Listener listener)
    : clock_(clock), listener_(std::move(listener)),
      offset_(clock.now().time_since_epoch() - clock.elapsed()), steady_(clock.elapsed()),
      checked_(steady_ - kernel_asked_after) {}

ClockWatch::By ClockWatch::evidence(milliseconds elapsed) const {
    if (elapsed - checked_ >= kernel_asked_after) {
        checked_ = elapsed;
        if (clock_.synchronised()) return By::kernel;
    }
    const auto agree = std::ranges::count(hosts_, true, &decltype(hosts_)::value_type::second);
    if (agree >= hosts_needed && agree > std::ssize(hosts_) - agree) return By::hosts;
    return elapsed - steady_ >= steady_for ? By::running : By::nothing;
}

WallTime ClockWatch::look() const {
    const milliseconds elapsed = clock_.elapsed();
    const WallTime now = clock_.now();
    const WallTime expected(elapsed + offset_);
    offset_ = now.time_since_epoch() - elapsed;
    if (std::chrono::abs(now - expected) > max_step) {
        steady_ = elapsed;
        by_ = By::nothing;
        hosts_.clear();
        jumps_++;
        moved_ += now - expected;
        listener_.jumped({.from = expected, .to = now});
    }
    if (by_ == By::nothing) {
        by_ = evidence(elapsed);
        if (by_ != By::nothing) listener_.confirmed(by_);
    }
    return now;
}

WallTime ClockWatch::now() const { return look(); }

ClockWatch::By ClockWatch::confirmed_by() const {
    look();
    return by_;
}

store::Moment ClockWatch::moment() const {
    const WallTime now = look();
    return {.now = now,
            .confirmed = by_ != By::nothing,
            .boot = clock_.boot(),
            .elapsed = clock_.elapsed()};
}

void ClockWatch::heard(const std::string& host, WallTime date) {
    const bool agrees = std::chrono::abs(look() - date) <= dates_differ;
    if (hosts_.size() < max_hosts || hosts_.contains(host)) hosts_.insert_or_assign(host, agrees);
}

} // namespace postseal::engine
