// serve/answering.h: one request's nexthop answered, from memory or after a lookup
//
// Common to the protocols whose replies the engine has written already, one a variant.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/engine.h"
#include "postseal/base/nexthop.h"
#include "serve/connection.h"
#include "serve/query_counts.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postseal::serve {

struct Counters {
    std::uint64_t queries = 0; // of all the protocols together
    std::uint64_t socketmap = 0;
    std::uint64_t tcp_table = 0;
    std::uint64_t delegation = 0;
    std::uint64_t cached = 0;     // answered from memory
    std::uint64_t looked_up = 0;  // answered after a lookup
    std::uint64_t no_nexthop = 0; // the key is none: no policy, at once
    std::uint64_t unknown_map = 0;
    QueryCounts by_map;
};

// One of the engine's ways of answering, as its present maps have it. `map` is read before the call
// it is for returns.
struct Way {
    config::Protocol protocol;
    std::string_view map; // empty: delegation
    std::size_t variant;
};

// Each gives exactly one reply to the request at hand.
void answer_key(engine::Engine& engine, Counters& counters, Connection& connection,
                std::string_view key, const Way& way);
void answer_nexthop(engine::Engine& engine, Counters& counters, Connection& connection,
                    Nexthop nexthop, const Way& way);
void answer_no_nexthop(engine::Engine& engine, Counters& counters, Connection& connection,
                       const Way& way);

} // namespace postseal::serve
