// SPDX-License-Identifier: BSD-3-Clause
#include "dns/mx_lookup.h"

#include "async/group.h"
#include "async/limiter.h"
#include "dns/mx_rdata.h"
#include "dns/tlsa_lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace postseal::dns {
namespace {

using verdict::Host;
using verdict::HostState;
using verdict::max_hosts;
using verdict::Mx;
using verdict::MxState;

// What stands in for a host whose lookups have not ended.
Host unanswered(const Domain& name, std::uint16_t preference) {
    return {.name = name,
            .preference = preference,
            .tlsa_name = {},
            .tlsa = {},
            .reason =
                fmt::format("the address and TLSA lookups of {} have not ended yet", name.name()),
            .lookup = verdict::HostLookup::pending};
}

void take_exchanges(Mx& mx, const Domain& domain, const Answer& answer) {
    Exchanges set = exchanges(answer.rdata);
    if (set.null_mx) {
        mx.state = MxState::null_mx;
        mx.reason = fmt::format("the MX record of {} says that it takes no mail", domain.name());
        return;
    }
    mx.addresses = set.addresses;
    mx.beyond = set.wildcards;
    if (set.hosts.size() > max_hosts) mx.beyond += set.hosts.size() - max_hosts;
    set.hosts.erase(set.hosts.begin() +
                        static_cast<std::ptrdiff_t>(std::min(set.hosts.size(), max_hosts)),
                    set.hosts.end());
    for (const Exchange& exchange : set.hosts)
        mx.hosts.push_back(unanswered(exchange.host, exchange.preference));
    if (mx.hosts.empty()) mx.reason = fmt::format("no MX record of {} names a host", domain.name());
}

void take_answer(Mx& mx, const Domain& domain, const Answer& answer) {
    mx.canonical_name = answer.canonical_name;
    mx.reason.clear();
    const MxState by_security =
        answer.security == Security::secure ? MxState::secure : MxState::insecure;
    switch (answer.status) {
    case Status::found:
        mx.state = by_security;
        take_exchanges(mx, domain, answer);
        break;
    case Status::no_data:
        mx.state = by_security;
        mx.implicit = true;
        mx.hosts.push_back(unanswered(domain, 0));
        break;
    case Status::nxdomain:
        mx.state = MxState::nxdomain;
        mx.reason = answer.canonical_name.empty()
                        ? fmt::format("{} does not exist", domain.name())
                        : fmt::format("{} is an alias of {}, which does not exist", domain.name(),
                                      answer.canonical_name);
        break;
    case Status::bogus:
        mx.state = MxState::bogus;
        mx.reason = failure_clause(domain.name(), RrType::mx, answer);
        break;
    case Status::failed:
        mx.state = MxState::failed;
        mx.reason = failure_clause(domain.name(), RrType::mx, answer);
        break;
    }
}

// Puts what the lookups of one host say into its place.
class HostPlace {
  public:
    HostPlace(Host& host, async::Callback changed) : host_(host), changed_(changed) {}

    void put(verdict::Host found) {
        found.preference = host_.preference;
        host_ = std::move(found);
        if (changed_.fn != nullptr) changed_();
    }
    static void put_early(void* self, const HostResult& result) {
        static_cast<HostPlace*>(self)->put(result.host);
    }

  private:
    Host& host_;
    async::Callback changed_;
};

// A host that failed keeps its permit until so many have failed that no other is begun.
struct HostLimit {
    explicit HostLimit(async::Loop& loop) : limiter(loop, max_hosts_at_once) {}

    async::Limiter limiter;
    std::vector<async::Limiter::Permit> of_failed;
    std::size_t failed = 0;
};

async::Task<> look_up_host(async::Loop& loop, HostLimit& limit, Resolver& resolver,
                           std::uint16_t port, Host& host, seconds& ttl, async::Callback changed) {
    async::Limiter::Permit permit = co_await limit.limiter.acquire();
    if (limit.failed >= max_failed_hosts) {
        host.reason = fmt::format("{} was not looked up, for the lookups of {} other hosts failed",
                                  host.name.name(), limit.failed);
        host.lookup = verdict::HostLookup::ended;
        ttl = seconds(0);
        co_return;
    }
    HostPlace place(host, changed);
    const OnEarly on_early{&HostPlace::put_early, &place};
    HostResult result = co_await tlsa_lookup(loop, resolver, host.name, port, on_early);
    place.put(std::move(result.host));
    ttl = std::min(ttl, result.ttl);
    if (host.state != HostState::failed) co_return;
    limit.of_failed.push_back(std::move(permit));
    // Nobody else's turn would come.
    if (++limit.failed == max_failed_hosts) limit.of_failed.clear();
}

} // namespace

async::Task<Mx> mx_lookup(async::Loop& loop, Resolver& resolver, Nexthop nexthop, Mx* progress,
                          async::Callback changed) {
    Mx own;
    Mx& mx = progress != nullptr ? *progress : own;
    mx = Mx{};
    seconds ttl = seconds::max();
    if (nexthop.literal_host) {
        mx.state = MxState::secure;
        mx.hosts.push_back(unanswered(nexthop.domain, 0));
    } else {
        mx.pending = true;
        mx.reason = fmt::format("the MX lookup of {} has not ended yet", nexthop.domain.name());
        const Answer answer = co_await resolver.resolve(nexthop.domain.name(), RrType::mx);
        mx.pending = false;
        take_answer(mx, nexthop.domain, answer);
        ttl = answer.ttl;
        if (changed.fn != nullptr) changed();
    }
    {
        // The vector does not grow from here on: each child holds one of its elements.
        HostLimit limit(loop);
        async::Group hosts(loop);
        for (Host& host : mx.hosts)
            hosts.start(look_up_host(loop, limit, resolver, nexthop.port, host, ttl, changed));
        co_await hosts.join();
    }
    mx.ttl = ttl;
    co_return mx;
}

} // namespace postseal::dns
