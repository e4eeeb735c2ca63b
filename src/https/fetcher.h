// https/fetcher.h: the PolicyFetcher that goes to the policy host
//
// Addresses are looked up and allowed on the home loop; connecting, TLS and HTTP run on a second
// loop thread, with one trust store loaded at open(). At most `at_once` fetches are in progress,
// and `per_address` for each of the host's addresses, or more where it answers well
// (https/address_limits.h); the rest wait for their turn, and no longer than `timeout` while none
// from these addresses succeeds. The time limit counts without that. Destroying a fetch's Task
// closes what it has open. The resolver outlives the fetcher, which outlives its Tasks.
// Thread: the home loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/limiter.h"
#include "async/loop_thread.h"
#include "async/uv_loop.h"
#include "dns/resolver.h"
#include "https/address_limits.h"
#include "https/policy_fetch.h"
#include "tls/address.h"
#include "tls/trust.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace postseal::https {

struct FetcherOptions {
    std::string ca_file; // PEM; empty: the system's trust store
    bool allow_private = false;
    milliseconds timeout{30'000};
    std::size_t at_once = 512; // a host that hangs holds a place for all of `timeout`
    std::size_t per_address = 8;
    std::uint16_t port = 443; // RFC 8461 knows no other; tests do
};

class HttpsPolicyFetcher final : public PolicyFetcher {
  public:
    // Error: a sentence about the trust store.
    [[nodiscard]] static std::expected<std::unique_ptr<HttpsPolicyFetcher>, std::string>
    open(async::UvLoop& home, dns::Resolver& resolver, FetcherOptions options);

    async::Task<FetchResult> fetch(Domain policy_domain, dns::Asker asker) override;

    [[nodiscard]] std::size_t under_way() const { return limiter_.in_use(); }
    // In their lookups, or for their turns.
    [[nodiscard]] std::size_t waiting() const { return fetches_ - limiter_.in_use(); }

  private:
    // Lives on the second loop's thread.
    struct Service {
        std::shared_ptr<const tls::Trust> trust;
    };
    using Thread = async::LoopThread<Service>;

    HttpsPolicyFetcher(async::UvLoop& home, dns::Resolver& resolver, FetcherOptions options,
                       std::unique_ptr<Thread> thread);
    async::Task<FetchResult> look_up_and_fetch(std::string host, MonoTime end, dns::Asker asker);
    async::Task<FetchResult> fetch_from(std::string host, std::vector<tls::Address> addresses,
                                        MonoTime& end, dns::Asker asker);

    async::UvLoop& home_;
    dns::Resolver& resolver_;
    FetcherOptions options_;
    async::Limiter limiter_;
    AddressLimits address_limits_;
    std::size_t fetches_ = 0;
    std::unique_ptr<Thread> thread_;
};

} // namespace postseal::https
