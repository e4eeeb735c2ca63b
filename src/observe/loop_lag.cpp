// SPDX-License-Identifier: BSD-3-Clause
#include "observe/loop_lag.h"

#include <utility>

namespace postseal::observe {
namespace {

constexpr milliseconds beat{1'000};
constexpr int ticks_of_a_minute = 60;

} // namespace

void LoopLag::wait() {
    due_ = loop_.now() + beat;
    timer_.start(loop_, beat, {[](void* self) { static_cast<LoopLag*>(self)->called(); }, this});
}

void LoopLag::called() {
    if (++ticks_ == ticks_of_a_minute) {
        ticks_ = 0;
        before_ = std::exchange(now_, milliseconds(0));
    }
    now_ = std::max(now_, loop_.now() - due_);
    wait();
}

} // namespace postseal::observe
