// SPDX-License-Identifier: BSD-3-Clause
#include "support/virtual_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace postseal::test {
namespace {

// More turns than this at one instant are a spin.
constexpr std::size_t turns_at_once = 100'000;

} // namespace

void VirtualLoop::count_turn() {
    if (++turns_at_now_ > turns_at_once)
        throw std::runtime_error(
            fmt::format("spin: {} turns of the loop and no time has passed", turns_at_once));
}

bool VirtualLoop::turn() {
    if (any_ready()) {
        count_turn();
        run_ready();
        return true;
    }
    const auto next = next_timer();
    if (!next) return false;
    if (*next > now_) {
        now_ = *next;
        turns_at_now_ = 0;
    }
    count_turn();
    run_timers(now_);
    return true;
}

void VirtualLoop::step(MonoTime end) {
    const auto next = next_timer();
    if (!any_ready() && next && *next > end)
        throw std::runtime_error(
            fmt::format("not done when all the virtual time it was given had passed: the next "
                        "timer is {} ms past the limit",
                        (*next - end).count()));
    if (!turn())
        throw std::runtime_error("deadlock: the body has not ended, nothing is ready and no timer "
                                 "is left to wait for");
}

void VirtualLoop::advance(milliseconds span) {
    const MonoTime end = now_ + span;
    for (;;) {
        const auto next = next_timer();
        if (!any_ready() && (!next || *next > end)) break;
        turn();
    }
    if (end > now_) {
        now_ = end;
        turns_at_now_ = 0;
    }
}

} // namespace postseal::test
