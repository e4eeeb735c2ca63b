// engine/clock.h: the wall clock as a parameter, so that tests move it at will
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

namespace postseal::engine {

class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual WallTime now() const = 0;
    // Since some moment; nobody sets it, and it goes on while the machine is suspended.
    [[nodiscard]] virtual milliseconds elapsed() const = 0;
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] WallTime now() const override;
    [[nodiscard]] milliseconds elapsed() const override;
};

} // namespace postseal::engine
