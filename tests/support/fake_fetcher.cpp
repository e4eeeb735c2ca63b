// SPDX-License-Identifier: BSD-3-Clause
#include "support/fake_fetcher.h"

#include "async/counted.h"

namespace postseal::test {

async::Task<https::FetchResult> FakeFetcher::fetch(Domain policy_domain, dns::Asker asker) {
    fetches_++;
    last_client_ = asker.client;
    {
        std::size_t unwanted = 0;
        const async::Counted waiting(asker.queued != nullptr ? *asker.queued : unwanted);
        co_await async::Sleep(loop_, turn_after_);
    }
    co_await async::Sleep(loop_, delay_);
    const auto host = hosts_.find(policy_domain.name());
    if (host == hosts_.end())
        co_return std::unexpected(
            https::FetchError{https::FetchFault::connect, "connection refused"});
    if (host->second.fault) co_return std::unexpected(*host->second.fault);
    auto policy = mtasts::parse_policy(host->second.body);
    if (!policy)
        co_return std::unexpected(
            https::FetchError{https::FetchFault::policy, policy.error().text});
    co_return https::FetchedPolicy{.policy = std::move(*policy),
                                   .body = host->second.body,
                                   .date = host->second.date,
                                   .address = host->second.address};
}

} // namespace postseal::test
