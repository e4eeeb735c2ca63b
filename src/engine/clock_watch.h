// engine/clock_watch.h: the wall clock, when it was set, and whether it may be believed
//
// A wall clock may be wrong when the machine starts, and somebody may set it. Nothing is destroyed
// on the word of one that is not confirmed. It is confirmed by the kernel's synchronised state; by
// the Date of policy hosts whose certificates were good: two hosts at least, and more than those
// that say otherwise; or by a day of running. A jump, of more than a minute from what the elapsed
// time leads to, takes that back; it is noticed by whoever asks for the time next, before that has
// the new time. Time that the machine was suspended counts as elapsed and is not a jump.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/clock.h"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace postseal::engine {

class ClockWatch final : public Clock {
  public:
    enum class By { nothing, running, hosts, kernel };
    struct Listener {
        std::function<void(const store::ClockJump&)> jumped;
        std::function<void(By)> confirmed;
    };

    ClockWatch(const Clock& clock, Listener listener);
    [[nodiscard]] WallTime now() const override;
    [[nodiscard]] milliseconds elapsed() const override { return clock_.elapsed(); }
    [[nodiscard]] const std::string& boot() const override { return clock_.boot(); }
    [[nodiscard]] bool synchronised() const override { return clock_.synchronised(); }
    [[nodiscard]] bool confirmed() const override { return confirmed_by() != By::nothing; }
    [[nodiscard]] By confirmed_by() const;
    [[nodiscard]] store::Moment moment() const override;

    // A host has just said what time it is. Several names of one host count once.
    void heard(const std::string& host, WallTime date);

    // Since the beginning; and how far all of them together went.
    [[nodiscard]] std::size_t jumps() const { return jumps_; }
    [[nodiscard]] milliseconds moved() const { return moved_; }

  private:
    WallTime look() const;
    [[nodiscard]] By evidence(milliseconds elapsed) const;

    const Clock& clock_;
    Listener listener_;
    mutable milliseconds offset_;  // of the wall clock to elapsed time, when last looked at
    mutable milliseconds steady_;  // elapsed, at the last jump
    mutable milliseconds checked_; // elapsed, when the kernel was asked
    mutable By by_ = By::nothing;
    mutable std::size_t jumps_ = 0;
    mutable milliseconds moved_{0};
    mutable std::map<std::string, bool> hosts_; // whether they agree, since the last jump
};

[[nodiscard]] std::string_view to_string(ClockWatch::By by);

} // namespace postseal::engine
