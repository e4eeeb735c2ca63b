// fleet/shared_refresh.h: who of a fleet looks at a policy that is due, and when
//
// While the server is there, due policies are leased, a few at a time; a node that was given less
// than it asked for asks again after a while, which makes the cost for the server independent of
// the number of domains. While it is away nobody knows what the others do: a node then puts off a
// policy that is due by a time of its own, so that an hour without the server does not make all
// nodes fetch all policies, but never past the middle of what is left of the policy's life.
// Pure. Tested by tests/fleet/simulation.cpp.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <algorithm>
#include <cstddef>

namespace postseal::fleet {

inline constexpr std::size_t leases_at_once = 16;
inline constexpr milliseconds lease_for{60'000}; // longer than a lookup and a fetch take
inline constexpr milliseconds ask_for_leases_after{15'000};
inline constexpr std::chrono::hours put_off_at_most{6};

// `chance`: from 0 to 1, 1 excluded.
[[nodiscard]] inline milliseconds until_asked_again(double chance) {
    const auto most = static_cast<double>(ask_for_leases_after.count());
    return milliseconds(static_cast<std::int64_t>(most * (0.75 + 0.25 * chance)));
}

// When a node without the server looks at a policy that is due now.
[[nodiscard]] inline WallTime put_off(WallTime now, WallTime expires_at, double chance) {
    const milliseconds most =
        std::clamp<milliseconds>((expires_at - now) / 2, milliseconds(0), put_off_at_most);
    return now +
           milliseconds(static_cast<std::int64_t>(static_cast<double>(most.count()) * chance));
}

} // namespace postseal::fleet
