// async/counted.h: counts one as long as it lives
// Thread: that of the number, which outlives it.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

namespace postseal::async {

class Counted {
  public:
    explicit Counted(std::size_t& count) : count_(count) { count_++; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { count_--; }

  private:
    std::size_t& count_;
};

} // namespace postseal::async
