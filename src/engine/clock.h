// engine/clock.h: the clocks as a parameter, so that tests move them at will
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"
#include "store/store.h"

#include <string>

namespace postseal::engine {

class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual WallTime now() const = 0;
    // Since some moment of boot(); nobody sets it, and it goes on while the machine is suspended.
    [[nodiscard]] virtual milliseconds elapsed() const = 0;
    [[nodiscard]] virtual const std::string& boot() const = 0;
    // Somebody who knows the time says that now() is it.
    [[nodiscard]] virtual bool synchronised() const = 0;
    // now() may be believed where that destroys something (ClockWatch).
    [[nodiscard]] virtual bool confirmed() const { return synchronised(); }

    [[nodiscard]] virtual store::Moment moment() const {
        return {.now = now(), .confirmed = confirmed(), .boot = boot(), .elapsed = elapsed()};
    }
};

class SystemClock final : public Clock {
  public:
    SystemClock();
    [[nodiscard]] WallTime now() const override;
    [[nodiscard]] milliseconds elapsed() const override;
    // The kernel's boot id, read when the clock is made. Where /proc does not show it, the variable
    // BOOT_ID of the environment (systemd's %b); without either one of this process.
    [[nodiscard]] const std::string& boot() const override { return boot_; }
    // The kernel's word (adjtimex(2)), which an NTP client gives and setting the clock takes back.
    [[nodiscard]] bool synchronised() const override;

  private:
    std::string boot_;
};

} // namespace postseal::engine
