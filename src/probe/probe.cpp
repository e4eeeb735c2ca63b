// SPDX-License-Identifier: BSD-3-Clause
#include "probe/probe.h"

#include "async/group.h"
#include "async/limiter.h"
#include "async/timeout.h"
#include "https/host_lookup.h"
#include "probe/attempt.h"
#include "tls/connect.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace postseal::probe {
namespace {

using delivery::Attempt;
using delivery::Destination;
using delivery::MxHost;

// What all hosts share; lives as long as their coroutines.
struct Work {
    async::UvLoop& loop;
    dns::Resolver& resolver;
    std::shared_ptr<const tls::Trust> trust;
    const Destination& destination;
    const delivery::Orders& orders;
    const Options& options;
    async::Limiter connections;
    std::size_t done = 0;
    std::size_t all = 0;
};

async::Task<> try_in_turn(Work& work, Target target, Attempt& attempt) {
    const auto permit = co_await work.connections.acquire();
    co_await try_address(work.loop, work.trust, std::move(target), attempt);
    work.done++;
    if (work.options.progress) work.options.progress(work.done, work.all);
}

// Both families, whenever they come; the error is that neither came.
async::Task<std::expected<std::vector<tls::Address>, https::FetchError>>
addresses_of(Work& work, std::string host) {
    https::HostLookup lookup(work.loop, work.resolver, std::move(host));
    auto found = co_await lookup.next();
    while (found && lookup.more()) {
        auto late = co_await lookup.next();
        if (!late) break;
        std::ranges::copy(*late, std::back_inserter(*found));
    }
    co_return found;
}

void keep_family(std::vector<tls::Address>& addresses, const Options& options) {
    if (!options.family) return;
    std::erase_if(addresses, [&](const tls::Address& a) { return a.family != *options.family; });
}

async::Task<> try_host(Work& work, MxHost& host) {
    auto found = co_await addresses_of(work, host.host.name.name());
    if (!found) {
        host.no_address = std::move(found.error().reason);
        co_return;
    }
    std::vector<tls::Address> addresses = std::move(*found);
    keep_family(addresses, work.options);
    if (addresses.empty()) {
        host.no_address = host.host.name.name() + " has no address of this family";
        co_return;
    }
    host.no_address.clear();
    std::ranges::sort(addresses, std::greater<>(), &tls::Address::family); // IPv6 first
    if (addresses.size() > addresses_of_a_host) {
        host.addresses_beyond = addresses.size() - addresses_of_a_host;
        addresses.resize(addresses_of_a_host);
    }
    const std::string never =
        fmt::format("not tried within {}", limit_text(work.options.step * steps_in_all));
    for (const tls::Address& address : addresses) {
        Attempt attempt;
        attempt.address = address.to_string();
        attempt.fault = delivery::Fault{.step = delivery::Step::connect, .reason = never};
        host.attempts.push_back(std::move(attempt));
    }
    work.all += addresses.size();
    async::Group attempts(work.loop);
    for (std::size_t i = 0; i < addresses.size(); i++) {
        Target target{.address = addresses[i],
                      .port = work.destination.nexthop.port,
                      .server_name =
                          delivery::server_name(work.destination, host.host, work.orders),
                      .records = host.host.tlsa,
                      .helo = work.options.helo,
                      .step = work.options.step};
        attempts.start(try_in_turn(work, std::move(target), host.attempts[i]));
    }
    co_await attempts.join();
}

async::Task<> try_hosts(Work& work, std::vector<MxHost>& hosts) {
    async::Group group(work.loop);
    for (MxHost& host : hosts)
        group.start(try_host(work, host));
    co_await group.join();
}

} // namespace

async::Task<> probe(async::UvLoop& loop, dns::Resolver& resolver,
                    std::shared_ptr<const tls::Trust> trust, Destination& destination,
                    const delivery::Orders& orders, const Options& options) {
    Work work{.loop = loop,
              .resolver = resolver,
              .trust = std::move(trust),
              .destination = destination,
              .orders = orders,
              .options = options,
              .connections = async::Limiter(loop, connections_at_once)};
    for (MxHost& host : destination.hosts)
        host.no_address =
            fmt::format("the addresses of {} are not known in time", host.host.name.name());
    co_await async::with_timeout(loop, try_hosts(work, destination.hosts),
                                 options.step * steps_in_all);
}

} // namespace postseal::probe
