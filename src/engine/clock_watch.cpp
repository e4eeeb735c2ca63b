// SPDX-License-Identifier: BSD-3-Clause
#include "engine/clock_watch.h"

#include <utility>

namespace postseal::engine {
namespace {

constexpr milliseconds allowed = std::chrono::days(1);

milliseconds offset_of(const Clock& clock) {
    return clock.now().time_since_epoch() - clock.elapsed();
}

} // namespace

ClockWatch::ClockWatch(const Clock& clock, OnJump on_jump)
    : clock_(clock), on_jump_(std::move(on_jump)), offset_(offset_of(clock)) {}

WallTime ClockWatch::now() const {
    const milliseconds elapsed = clock_.elapsed();
    const WallTime now = clock_.now();
    const WallTime expected(elapsed + offset_);
    offset_ = now.time_since_epoch() - elapsed;
    if (std::chrono::abs(now - expected) <= allowed) return now;
    const store::ClockJump jump{.from = expected, .to = now};
    jumps_.push_back(jump);
    on_jump_(jump);
    return now;
}

store::StsRow ClockWatch::caught_up(store::StsRow row, std::size_t since) const {
    for (; since < jumps_.size(); since++)
        row = store::moved(std::move(row), jumps_[since]);
    return row;
}

} // namespace postseal::engine
