// serve/counters.h: what a serving thread counts, and the sums
//
// Each thread counts in Counters of its own; any thread may read them.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/count.h"
#include "serve/query_counts.h"

#include <cstdint>

namespace postseal::serve {

template <class N> struct CountersOf {
    N queries{}; // of all the protocols together
    N socketmap{};
    N tcp_table{};
    N delegation{};
    N cached{};     // answered from memory
    N looked_up{};  // answered after a lookup
    N no_nexthop{}; // the key is none: no policy, at once
    N unknown_map{};
};
struct Counters : CountersOf<Count> {
    QueryCounts by_map;
};
struct Totals : CountersOf<std::uint64_t> {
    QueryTotals by_map;
};

inline void add(Totals& sum, const Counters& of) {
    sum.queries += of.queries;
    sum.socketmap += of.socketmap;
    sum.tcp_table += of.tcp_table;
    sum.delegation += of.delegation;
    sum.cached += of.cached;
    sum.looked_up += of.looked_up;
    sum.no_nexthop += of.no_nexthop;
    sum.unknown_map += of.unknown_map;
    of.by_map.add_to(sum.by_map);
}

} // namespace postseal::serve
