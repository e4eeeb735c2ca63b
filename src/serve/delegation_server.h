// serve/delegation_server.h: Postfix policy delegation (check_policy_service)
//
// The recipient's domain decides, looked up as a nexthop of its own name; what a transport map
// makes of it is not known here. A request without a recipient that has a domain (MAIL, several
// recipients at DATA, a local name, an address in brackets) gets DUNNO at once, as does one that is
// not of the access policy kind.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/answering.h"
#include "serve/connection.h"

#include <string_view>

namespace postseal::serve {

class DelegationServer final : public Protocol {
  public:
    DelegationServer(engine::Handle& engine_handle, Counters& counters)
        : engine_handle_(engine_handle), counters_(counters) {}

    Step step(std::string_view bytes, Connection& connection) override;

  private:
    engine::Handle& engine_handle_;
    Counters& counters_;
};

} // namespace postseal::serve
