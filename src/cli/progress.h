// cli/progress.h: how far long work has come, on standard error
//
// On a terminal one line that is written again and again; else a line now and then. Short work
// shows nothing.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace postseal::cli {

class Progress {
  public:
    explicit Progress(std::string what); // "import"
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { clear(); }

    // So many are done, and so much of the whole; whole 0: not known.
    void at(std::size_t done, std::size_t part, std::size_t whole);
    void clear(); // before other lines are written

  private:
    using Clock = std::chrono::steady_clock;

    std::string what_;
    bool terminal_;
    bool shown_ = false;
    Clock::time_point next_;
};

} // namespace postseal::cli
