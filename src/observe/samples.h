// observe/samples.h: what happened in each minute of the last six hours, for the charts
//
// Of totals that only grow, the difference from minute to minute is kept: some 80 octets each.
// Begins when it is made.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/loop.h"
#include "postseal/base/histogram.h"
#include "serve/query_counts.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

namespace postseal::observe {

// Since start.
struct Totals {
    std::array<std::uint64_t, serve::counted_classes.size()> classes{}; // queries
    std::uint64_t from_memory = 0;
    Histogram evaluations;
    std::uint64_t dns = 0;
    std::uint64_t dns_failed = 0;
    std::uint64_t fetches_failed = 0;
};

struct Minute {
    std::array<std::uint32_t, serve::counted_classes.size()> classes{};
    std::uint32_t from_memory = 0;
    std::uint32_t lookups = 0; // evaluations
    milliseconds median{0};    // of their time
    milliseconds slow{0};      // 95 of 100 took no longer
    std::uint32_t dns = 0;
    std::uint32_t dns_failed = 0;
    std::uint32_t fetches_failed = 0;

    friend bool operator==(const Minute&, const Minute&) = default;
};

class Samples {
  public:
    static constexpr std::size_t most = 360;

    Samples(async::Loop& loop, std::function<Totals()> totals);

    [[nodiscard]] const std::deque<Minute>& minutes() const { return minutes_; } // the oldest first
    // What happened since the last of them.
    [[nodiscard]] Minute now() const;
    // Of all DNS lookups in the last five minutes, or so.
    struct Dns {
        std::uint64_t lookups = 0;
        std::uint64_t failed = 0;
    };
    [[nodiscard]] Dns dns_lately() const;

  private:
    async::Task<> run();

    async::Loop& loop_;
    std::function<Totals()> totals_;
    Totals before_;
    std::deque<Minute> minutes_;
    async::Group group_; // last: its body uses the rest
};

} // namespace postseal::observe
