// dns/measured.h: a resolver that counts how long each type of lookup takes, and how it fails
//
// What it asks must outlive it.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "dns/resolver.h"
#include "postseal/base/histogram.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace postseal::dns {

class Measured final : public Resolver {
  public:
    Measured(async::Loop& loop, Resolver& asked) : loop_(loop), asked_(asked) {}

    async::Task<Answer> resolve(std::string name, RrType type) override {
        return resolve_for({}, std::move(name), type);
    }
    async::Task<Answer> resolve_for(Asker asker, std::string name, RrType type) override;

    struct OfType {
        RrType type = RrType::a;
        Histogram took;
        std::array<std::uint64_t, dns::failures> failed{}; // by Failure
    };
    [[nodiscard]] const auto& types() const { return types_; }

  private:
    async::Loop& loop_;
    Resolver& asked_;
    std::array<OfType, 7> types_{OfType{RrType::mx},   OfType{RrType::a},   OfType{RrType::aaaa},
                                 OfType{RrType::tlsa}, OfType{RrType::txt}, OfType{RrType::cname},
                                 OfType{RrType::dname}};
};

} // namespace postseal::dns
