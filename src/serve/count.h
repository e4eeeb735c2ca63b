// serve/count.h: a number that one thread counts up and any may read
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>

namespace postseal::serve {

// Counted by one thread only.
class Count {
  public:
    void operator++(int) {
        count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    operator std::uint64_t() const { return count_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> count_{0};
};

} // namespace postseal::serve
