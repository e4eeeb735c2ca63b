// support/virtual_loop.h: a Loop whose time the test moves
//
// No libuv and no waiting: when nothing is ready, time jumps to the next timer. A body that could
// never end (nothing ready and no timer: a deadlock; or a spin, or timers for ever) makes
// run_until_done() throw, which fails the test with the reason. Time begins at an odd value, so
// that a zero taken for a time shows.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/loop.h"
#include "support/flag.h"

#include <chrono>
#include <cstddef>
#include <utility>

namespace postseal::test {

class VirtualLoop final : public async::Loop {
  public:
    VirtualLoop() = default;

    [[nodiscard]] MonoTime now() const override { return now_; }

    // Drives the body and whatever else is on the loop. What the body throws leaves from here. If
    // the body has not ended when `limit` of virtual time has passed, throws std::runtime_error.
    template <class T>
    T run_until_done(async::Task<T> body, milliseconds limit = std::chrono::hours(24) * 400) {
        Flag flag;
        async::Outcome<T> outcome;
        const async::Driver driver =
            async::drive_into(static_cast<async::Done&>(flag), std::move(body), outcome);
        const MonoTime end = now_ + limit;
        while (!flag.set)
            step(end);
        return outcome.take();
    }

    // Runs all that is due in the next `span`, each thing at its time; then that much has passed.
    void advance(milliseconds span);
    // Runs what is ready, and what that makes ready, until nothing is; time stands still.
    void settle() { advance(milliseconds(0)); }
    // One turn: what is ready now, else time jumps to the next timer. False: nothing was left.
    bool turn();

  private:
    void want_turn() override {}
    void want_timer(std::optional<MonoTime>) override {}
    void step(MonoTime end);
    void count_turn();

    MonoTime now_{std::chrono::milliseconds(1'000'003)};
    std::size_t turns_at_now_ = 0;
};

} // namespace postseal::test
