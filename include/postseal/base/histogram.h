// base/histogram.h: how long something took, counted by bucket
//
// Milliseconds in; the buckets' upper bounds are from 1 ms to 30 s, the last has none.
// Values; to add up those of several threads, add each. No allocation.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace postseal {

class Histogram {
  public:
    static constexpr std::array bounds{milliseconds(1),     milliseconds(2),    milliseconds(5),
                                       milliseconds(10),    milliseconds(25),   milliseconds(50),
                                       milliseconds(100),   milliseconds(250),  milliseconds(500),
                                       milliseconds(1000),  milliseconds(2500), milliseconds(5000),
                                       milliseconds(10000), milliseconds(30000)};

    void observe(milliseconds took) {
        const auto bucket = std::ranges::lower_bound(bounds, took) - bounds.begin();
        counts_.at(static_cast<std::size_t>(bucket))++;
        sum_ += took;
    }
    // In bounds' order, each for itself; one more than there are bounds.
    [[nodiscard]] const auto& counts() const { return counts_; }
    [[nodiscard]] milliseconds sum() const { return sum_; }
    [[nodiscard]] std::uint64_t count() const {
        std::uint64_t all = 0;
        for (const std::uint64_t n : counts_)
            all += n;
        return all;
    }

    Histogram& operator+=(const Histogram& other) {
        for (std::size_t i = 0; i < counts_.size(); i++)
            counts_.at(i) += other.counts_.at(i);
        sum_ += other.sum_;
        return *this;
    }
    // What came since `before`, an earlier state of this one.
    [[nodiscard]] Histogram since(const Histogram& before) const {
        Histogram between = *this;
        for (std::size_t i = 0; i < counts_.size(); i++)
            between.counts_.at(i) -= before.counts_.at(i);
        between.sum_ -= before.sum_;
        return between;
    }
    // A quantile of 0 to 1, by straight lines within a bucket; 0 where nothing was observed. Past
    // the last bound it is the last bound.
    [[nodiscard]] milliseconds quantile(double q) const;

    friend bool operator==(const Histogram&, const Histogram&) = default;

  private:
    std::array<std::uint64_t, bounds.size() + 1> counts_{};
    milliseconds sum_{0};
};

} // namespace postseal
