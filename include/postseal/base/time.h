// base/time.h: the two kinds of time, and wall time as text
//
// WallTime is what expiry and history are written in; MonoTime is for intervals and never jumps.
// Both count milliseconds. Pure code takes times as parameters; the shell reads them from a Clock,
// so that tests move them at will.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace postseal {

using std::chrono::milliseconds;
using std::chrono::seconds;

using WallTime = std::chrono::sys_time<milliseconds>;
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, milliseconds>;

// "2026-11-22T15:04:05Z" (RFC 3339, in UTC)
[[nodiscard]] std::string rfc3339(WallTime time);

// The end of what is said to last until then: a day, "2027-01-31", counts to its end; a time has
// minutes or seconds and ends in Z, "2027-01-31T12:00Z". Nothing: neither, or no such day.
[[nodiscard]] std::optional<WallTime> parse_until(std::string_view text);

// "45s", "90m", "12h", "7d" and so on, from 1 on; nothing: none of them, or too long to count.
[[nodiscard]] std::optional<milliseconds> parse_span(std::string_view text);
// The two largest units: "6d 3h", "59m 10s"; never negative.
[[nodiscard]] std::string span_text(milliseconds span);
// The whole of it: "30 s", "250 ms".
[[nodiscard]] std::string limit_text(milliseconds limit);

} // namespace postseal
