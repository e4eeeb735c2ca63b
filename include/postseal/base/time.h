// base/time.h: the two kinds of time, and the clock that shows them
//
// WallTime is what expiry and history are written in; MonoTime is for intervals and never jumps.
// Both count milliseconds. Pure code takes times as parameters; the shell reads them from a Clock,
// so that tests move them at will.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>

namespace postseal {

using std::chrono::milliseconds;
using std::chrono::seconds;

using WallTime = std::chrono::sys_time<milliseconds>;
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, milliseconds>;

} // namespace postseal
