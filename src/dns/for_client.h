// dns/for_client.h: a resolver as one client has it
//
// Every question is asked on behalf of the asker. The resolver outlives it; it outlives its
// questions.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/resolver.h"

#include <string>
#include <utility>

namespace postseal::dns {

class ForClient final : public Resolver {
  public:
    ForClient(Resolver& resolver, Asker asker) : resolver_(resolver), asker_(asker) {}

    async::Task<Answer> resolve(std::string name, RrType type) override {
        return resolver_.resolve_for(asker_, std::move(name), type);
    }

  private:
    Resolver& resolver_;
    Asker asker_;
};

} // namespace postseal::dns
