// dns/for_client.h: a resolver as one client has it
//
// Every question is asked on behalf of the client. The resolver outlives it; it outlives its
// questions.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/resolver.h"

#include <string>
#include <utility>

namespace postseal::dns {

class ForClient final : public Resolver {
  public:
    ForClient(Resolver& resolver, async::Limiter::ClientId client)
        : resolver_(resolver), client_(client) {}

    async::Task<Answer> resolve(std::string name, RrType type) override {
        return resolver_.resolve_for(client_, std::move(name), type);
    }

  private:
    Resolver& resolver_;
    async::Limiter::ClientId client_;
};

} // namespace postseal::dns
