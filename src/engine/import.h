// engine/import.h: what another daemon or program knew of a destination, merged into what is held
//
// A policy lives max_age from when it was fetched there, so one that has expired is not revived
// (RFC 8461 section 3.3). One in force that was fetched later, or whose mode is stronger, stays.
// What is taken is binding at once, and due to be fetched again.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/nexthop.h"
#include "store/store.h"

#include <optional>
#include <string>

namespace postseal::engine {

// Times are of the past.
struct Memory {
    Nexthop nexthop;
    std::string body; // a policy as served, one that can be read; empty: none
    std::string id;
    WallTime fetched_at;
    store::NexthopRow row; // of that nexthop; what is not known is left as it is
};

// held: nothing was new; unread: what is held cannot be read now, so nothing was taken
enum class Import { taken, held, expired, unread };
struct Merged {
    Import outcome = Import::held;
    std::optional<store::StsRow> sts; // to be saved
    std::optional<store::NexthopRow> nexthop;
};
[[nodiscard]] Merged merge(const Memory& memory, const store::Loaded& held,
                           const store::Moment& moment);

} // namespace postseal::engine
