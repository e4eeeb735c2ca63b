// serve/answering.h: one request's nexthop answered, from memory or after a lookup
//
// Common to the protocols whose replies the engine has written already, one a variant.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/handle.h"
#include "postseal/base/nexthop.h"
#include "serve/connection.h"
#include "serve/counters.h"

#include <cstddef>
#include <string_view>

namespace postseal::serve {

// Which of the replies of an answer, as the maps of the Snapshot have it. `map` is read before
// the call it is for returns.
struct ReplyVariant {
    config::Protocol protocol;
    std::string_view map; // empty: delegation
    std::size_t variant;
};

// One request being answered: what is known at this moment, who asks, and who counts.
class Answering {
  public:
    Answering(engine::Handle& engine_handle, Counters& counters, Connection& connection)
        : engine_handle_(engine_handle), snapshot_(engine_handle.snapshot()), counters_(counters),
          connection_(connection) {}

    [[nodiscard]] const engine::Maps& maps() const { return snapshot_.maps(); }

    // Each gives exactly one reply to the request at hand.
    void key(std::string_view key, const ReplyVariant& way);
    void nexthop(Nexthop nexthop, const ReplyVariant& way);
    // A key that is not a nexthop, but may be an address that has an override.
    void address(std::string_view key, const ReplyVariant& way);
    void no_nexthop(const ReplyVariant& way);

    // If it is known; `key` is canonical, or is not found.
    [[nodiscard]] bool known(std::string_view key, const ReplyVariant& way);

  private:
    engine::Handle& engine_handle_;
    const engine::Snapshot snapshot_;
    Counters& counters_;
    Connection& connection_;
};

} // namespace postseal::serve
