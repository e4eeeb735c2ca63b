// engine/random.h: chance as a parameter, so that tests know what it says
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <random>

namespace postseal::engine {

class Random {
  public:
    virtual ~Random() = default;
    // From 0 to 1, 1 excluded.
    [[nodiscard]] virtual double next() = 0;
};

// For spreading work over time; no secret depends on it.
class SystemRandom final : public Random {
  public:
    [[nodiscard]] double next() override { return between_(source_); }

  private:
    std::minstd_rand source_{std::random_device{}()};
    std::uniform_real_distribution<double> between_{0.0, 1.0};
};

} // namespace postseal::engine
