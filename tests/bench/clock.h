// bench/clock.h: nanoseconds, as numbers
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <ctime>

namespace postseal::bench {

[[nodiscard]] inline std::uint64_t read_clock(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

[[nodiscard]] inline std::uint64_t now_ns() { return read_clock(CLOCK_MONOTONIC); }

} // namespace postseal::bench
