// SPDX-License-Identifier: BSD-3-Clause
#include "https/fetcher.h"

#include "async/counted.h"
#include "async/thread_name.h"
#include "async/timeout.h"
#include "https/address_guard.h"
#include "https/exchange.h"
#include "https/host_lookup.h"
#include "tls/connect.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace postseal::https {
namespace {

constexpr milliseconds long_wait{1000};

FetchResult failed(FetchFault fault, std::string reason) {
    return std::unexpected(FetchError{fault, std::move(reason)});
}

// Leaves the global addresses; what was left out is in `refused`.
std::vector<tls::Address> allowed(const std::vector<tls::Address>& addresses,
                                  std::string& refused) {
    std::vector<tls::Address> out;
    for (const tls::Address& address : addresses) {
        if (const auto why = why_not_global(address))
            refused +=
                fmt::format("{}[{}] is {}", refused.empty() ? "" : ", ", address.to_string(), *why);
        else
            out.push_back(address);
    }
    return out;
}

Fetched how(const FetchResult& result) {
    if (result) return Fetched::well;
    const FetchFault fault = result.error().fault;
    return fault == FetchFault::connect || fault == FetchFault::timeout ? Fetched::not_at_all
                                                                        : Fetched::badly;
}

} // namespace

std::expected<std::unique_ptr<HttpsPolicyFetcher>, std::string>
HttpsPolicyFetcher::open(async::UvLoop& home, dns::Resolver& resolver, FetcherOptions options) {
    auto trust = tls::Trust::load(options.ca_file);
    if (!trust) return std::unexpected(std::move(trust.error()));
    auto thread = Thread::open(home, [trust = std::move(*trust)](async::UvLoop&) {
        async::name_this_thread("policies");
        return std::expected<std::unique_ptr<Service>, std::string>(
            std::make_unique<Service>(trust));
    });
    if (!thread) return std::unexpected(std::move(thread.error()));
    return std::unique_ptr<HttpsPolicyFetcher>(
        new HttpsPolicyFetcher(home, resolver, std::move(options), std::move(*thread)));
}

HttpsPolicyFetcher::HttpsPolicyFetcher(async::UvLoop& home, dns::Resolver& resolver,
                                       FetcherOptions options, std::unique_ptr<Thread> thread)
    : home_(home), resolver_(resolver), options_(std::move(options)),
      limiter_(home, options_.at_once), address_limits_(home, options_.per_address),
      thread_(std::move(thread)) {}

async::Task<FetchResult> HttpsPolicyFetcher::fetch(Domain policy_domain, dns::Asker asker) {
    const std::string host = policy_domain.with_prefix("mta-sts");
    const async::Counted counted(fetches_);
    co_return co_await look_up_and_fetch(host, home_.now() + options_.timeout, asker);
}

async::Task<FetchResult> HttpsPolicyFetcher::look_up_and_fetch(std::string host, MonoTime end,
                                                               dns::Asker asker) {
    std::size_t unwanted = 0;
    if (asker.queued == nullptr) asker.queued = &unwanted;
    HostLookup lookup(home_, resolver_, host, asker);
    std::optional<FetchResult> result;
    // A second round only for the family that answered late, if the first was of no use.
    do {
        auto found = co_await async::with_timeout(home_, lookup.next(), end - home_.now());
        if (result && (!found || !*found)) break;
        if (!found)
            co_return failed(
                *asker.queued > 0 ? FetchFault::no_turn : FetchFault::dns,
                fmt::format("{}: no address found within {}", host, limit_text(options_.timeout)));
        if (!*found) co_return std::unexpected(std::move(found->error()));
        result = co_await fetch_from(host, std::move(**found), end, asker);
    } while (!*result &&
             (result->error().fault == FetchFault::connect ||
              result->error().fault == FetchFault::private_address) &&
             lookup.more());
    co_return std::move(*result);
}

async::Task<FetchResult> HttpsPolicyFetcher::fetch_from(std::string host,
                                                        std::vector<tls::Address> addresses,
                                                        MonoTime& end, dns::Asker asker) {
    if (!options_.allow_private) {
        std::string refused;
        addresses = allowed(addresses, refused);
        if (addresses.empty())
            co_return failed(FetchFault::private_address,
                             fmt::format("{} {}; https.allow_private is off", host, refused));
    }
    addresses = tls::take_turns(addresses);
    const MonoTime asked = home_.now();
    std::optional<async::Counted> waiting;
    waiting.emplace(*asker.queued);
    auto permits = co_await address_limits_.acquire(addresses, asker.client, options_.timeout);
    if (!permits)
        co_return failed(
            FetchFault::no_turn,
            fmt::format("{}: no turn within {}: {} fetches from [{}] at once (https.per_address)",
                        host, limit_text(std::chrono::floor<seconds>(permits.error())),
                        address_limits_.places(addresses.front()), addresses.front().to_string()));
    const auto permit = co_await limiter_.acquire();
    // A host that is asked late because of us has not had its time when the question's is over.
    if (home_.now() - asked < long_wait) waiting.reset();
    end += home_.now() - asked;
    ExchangeRequest request{.host = std::move(host),
                            .addresses = std::move(addresses),
                            .port = options_.port,
                            .left = end - home_.now(),
                            .limit = options_.timeout};
    Thread::Work<FetchResult> work = [request = std::move(request)](async::UvLoop& loop,
                                                                    Service& service) {
        return exchange(loop, service.trust, request);
    };
    FetchResult result = co_await thread_->call<FetchResult>(std::move(work));
    permits->ended(how(result));
    co_return result;
}

} // namespace postseal::https
