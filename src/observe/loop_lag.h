// observe/loop_lag.h: how late the loop comes to what is due
//
// A timer each second says by how much it was called too late. Begins when it is made.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"

#include <algorithm>

namespace postseal::observe {

class LoopLag {
  public:
    explicit LoopLag(async::Loop& loop) : loop_(loop) { wait(); }

    // The worst of the last one to two minutes.
    [[nodiscard]] milliseconds worst() const { return std::max(before_, now_); }

  private:
    void wait();
    void called();

    async::Loop& loop_;
    async::Timer timer_;
    MonoTime due_;
    int ticks_ = 0;
    milliseconds before_{0}; // in the minute before
    milliseconds now_{0};    // in this minute
};

} // namespace postseal::observe
