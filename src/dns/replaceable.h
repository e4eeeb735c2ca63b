// dns/replaceable.h: the resolver in use, which may be replaced while lookups are in flight
//
// A lookup goes to the resolver that was in use when it began and keeps it alive until it ends.
// R is the kind of resolver; now() is for what that kind can do besides.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/resolver.h"

#include <memory>
#include <string>
#include <utility>

namespace postseal::dns {

template <class R> class Replaceable final : public Resolver {
  public:
    explicit Replaceable(std::shared_ptr<R> first) : now_(std::move(first)) {}

    async::Task<Answer> resolve(std::string name, RrType type) override {
        return resolve_for({}, std::move(name), type);
    }
    async::Task<Answer> resolve_for(Asker asker, std::string name, RrType type) override {
        const std::shared_ptr<R> asked = now_;
        co_return co_await asked->resolve_for(asker, std::move(name), type);
    }
    void replace(std::shared_ptr<R> next) { now_ = std::move(next); }
    [[nodiscard]] const std::shared_ptr<R>& now() const { return now_; }

  private:
    std::shared_ptr<R> now_;
};

} // namespace postseal::dns
