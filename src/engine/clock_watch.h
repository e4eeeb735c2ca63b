// engine/clock_watch.h: the wall clock, and when it was set by more than a day
//
// Intervals go by elapsed time, expiry by the wall clock. A clock that jumps by more than a day
// was wrong before or is wrong now; either way no policy's life has passed by it. now() notices a
// jump before it tells the new time, and calls `on_jump`, which moves what was saved to the new
// time (store::moved): each policy keeps what was left of its life until a lookup says more.
// Time that the machine was suspended counts as elapsed and is no jump.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/clock.h"
#include "store/store.h"

#include <cstddef>
#include <functional>
#include <vector>

namespace postseal::engine {

class ClockWatch final : public Clock {
  public:
    using OnJump = std::function<void(const store::ClockJump&)>;

    ClockWatch(const Clock& clock, OnJump on_jump);
    [[nodiscard]] WallTime now() const override;
    [[nodiscard]] milliseconds elapsed() const override { return clock_.elapsed(); }

    // Since the beginning.
    [[nodiscard]] std::size_t jumps() const { return jumps_.size(); }
    // A row that was loaded when there had been `since` jumps.
    [[nodiscard]] store::StsRow caught_up(store::StsRow row, std::size_t since) const;

  private:
    const Clock& clock_;
    OnJump on_jump_;
    mutable WallTime::duration offset_; // of the wall clock to elapsed time, when last looked at
    mutable std::vector<store::ClockJump> jumps_;
};

} // namespace postseal::engine
