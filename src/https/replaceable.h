// https/replaceable.h: the fetcher in use, which may be replaced while fetches are in progress
//
// As dns/replaceable.h.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "https/policy_fetch.h"

#include <memory>
#include <utility>

namespace postseal::https {

class Replaceable final : public PolicyFetcher {
  public:
    explicit Replaceable(std::shared_ptr<PolicyFetcher> first) : now_(std::move(first)) {}

    async::Task<FetchResult> fetch(Domain policy_domain, dns::Asker asker) override {
        const std::shared_ptr<PolicyFetcher> asked = now_;
        co_return co_await asked->fetch(std::move(policy_domain), asker);
    }
    void replace(std::shared_ptr<PolicyFetcher> next) { now_ = std::move(next); }

  private:
    std::shared_ptr<PolicyFetcher> now_;
};

} // namespace postseal::https
