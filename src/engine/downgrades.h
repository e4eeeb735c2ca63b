// engine/downgrades.h: promises that grew weaker, each reported once: logged, counted, in the
// history
//
// A policy that expired and was not renewed, enforce that became testing or none, DANE withdrawn,
// the _mta-sts record gone while a policy is held. None of it is an error, and each is what an
// attack would look like.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/dependencies.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace postseal::engine {

class Downgrades {
  public:
    explicit Downgrades(Dependencies dependencies) : dependencies_(dependencies) {}

    // `subject`: the policy domain or, for DANE, the nexthop.
    void note(std::string_view subject, std::string_view before, std::string_view after);

    [[nodiscard]] std::uint64_t count() const { return count_; } // since start
    // "example.com: enforce -> none"; empty before the first.
    [[nodiscard]] const std::string& last() const { return last_; }

  private:
    Dependencies dependencies_;
    std::uint64_t count_ = 0;
    std::string last_;
};

} // namespace postseal::engine
