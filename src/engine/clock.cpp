// SPDX-License-Identifier: BSD-3-Clause
#include "engine/clock.h"

#include <sys/timex.h>

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>

namespace postseal::engine {
namespace {

std::string boot_id() {
    std::string id;
    if (std::ifstream file("/proc/sys/kernel/random/boot_id"); std::getline(file, id)) return id;
    if (const char* named = std::getenv("BOOT_ID"); named != nullptr && *named != 0) return named;
    std::random_device device;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

} // namespace

SystemClock::SystemClock() : boot_(boot_id()) {}

WallTime SystemClock::now() const {
    return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

milliseconds SystemClock::elapsed() const {
    std::timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::duration_cast<milliseconds>(seconds(time.tv_sec) +
                                                    std::chrono::nanoseconds(time.tv_nsec));
}

bool SystemClock::synchronised() const {
    timex kernel{}; // modes 0: only reads
    const int state = ::adjtimex(&kernel);
    if (state == -1 || state == TIME_ERROR || (kernel.status & STA_UNSYNC) != 0) return false;
    // A program may have been given a clock of its own.
    const WallTime kernels(seconds(kernel.time.tv_sec));
    return std::chrono::abs(now() - kernels) < std::chrono::seconds(10);
}

} // namespace postseal::engine
