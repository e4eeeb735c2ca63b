// SPDX-License-Identifier: BSD-3-Clause
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace postseal::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto begins = 500ms;
constexpr auto on_terminal = 200ms;
constexpr auto elsewhere = 10s;

} // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1),
      next_(Clock::now() + (terminal_ ? Clock::duration(begins) : Clock::duration(elsewhere))) {}

void Progress::at(std::size_t done, std::size_t part, std::size_t whole) {
    const auto now = Clock::now();
    if (now < next_) return;
    next_ = now + (terminal_ ? Clock::duration(on_terminal) : Clock::duration(elsewhere));
    std::string text = fmt::format("{}: {}", what_, done);
    if (whole > 0) text += fmt::format(", {} %", part * 100 / whole);
    if (terminal_)
        fmt::print(stderr, "\r\x1b[K{}", text);
    else
        fmt::print(stderr, "postseal: {}\n", text);
    std::fflush(stderr);
    shown_ = true;
}

void Progress::clear() {
    if (terminal_ && std::exchange(shown_, false)) fmt::print(stderr, "\r\x1b[K");
}

} // namespace postseal::cli
