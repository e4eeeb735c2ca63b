// https/measured.h: a fetcher that counts how long fetches take, and how they fail
//
// What it asks must outlive it.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "https/policy_fetch.h"
#include "postseal/base/histogram.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace postseal::https {

class Measured final : public PolicyFetcher {
  public:
    Measured(async::Loop& loop, PolicyFetcher& asked) : loop_(loop), asked_(asked) {}

    async::Task<FetchResult> fetch(Domain policy_domain, dns::Asker asker) override;

    [[nodiscard]] const Histogram& took() const { return took_; }
    [[nodiscard]] const auto& failed() const { return failed_; } // by FetchFault

  private:
    async::Loop& loop_;
    PolicyFetcher& asked_;
    Histogram took_;
    std::array<std::uint64_t, fetch_faults> failed_{};
};

} // namespace postseal::https
