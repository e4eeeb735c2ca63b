// serve/answering.h: one request's nexthop answered, from memory or after a lookup
//
// Common to the protocols whose replies the engine has written already, one a variant.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/view.h"
#include "postseal/base/nexthop.h"
#include "serve/connection.h"
#include "serve/counters.h"

#include <cstddef>
#include <string_view>

namespace postseal::serve {

// One of the engine's ways of answering, as the maps of the Look have it. `map` is read before the
// call it is for returns.
struct Way {
    config::Protocol protocol;
    std::string_view map; // empty: delegation
    std::size_t variant;
};

// One request being answered: what is known at this moment, who asks, and who counts.
class Answering {
  public:
    Answering(engine::View& view, Counters& counters, Connection& connection)
        : view_(view), look_(view.look()), counters_(counters), connection_(connection) {}

    [[nodiscard]] const engine::Maps& maps() const { return look_.maps(); }

    // Each gives exactly one reply to the request at hand.
    void key(std::string_view key, const Way& way);
    void nexthop(Nexthop nexthop, const Way& way);
    // A key that is not a nexthop, but may be an address that has an override.
    void address(std::string_view key, const Way& way);
    void no_nexthop(const Way& way);

    // If it is known; `key` is canonical, or is not found.
    [[nodiscard]] bool known(std::string_view key, const Way& way);

  private:
    engine::View& view_;
    const engine::Look look_;
    Counters& counters_;
    Connection& connection_;
};

} // namespace postseal::serve
