// SPDX-License-Identifier: BSD-3-Clause
#include "dns/mx_lookup.h"

#include "async/group.h"
#include "async/nudge.h"
#include "dns/mx_rdata.h"
#include "dns/tlsa_lookup.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
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

// The state says the rest.
std::string cause_of(const Answer& answer) {
    return answer.reason.empty() ? "no cause given" : printable(answer.reason);
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
        mx.reason = cause_of(answer);
        break;
    case Status::failed:
        mx.state = MxState::failed;
        mx.reason = cause_of(answer);
        break;
    }
}

// Puts what the lookups of one host say into its place.
class HostSlot {
  public:
    HostSlot(Host& host, async::Callback changed) : host_(host), changed_(changed) {}

    void put(verdict::Host found) {
        found.preference = host_.preference;
        host_ = std::move(found);
        if (changed_.fn != nullptr) changed_();
    }
    static void put_early(void* self, const HostResult& result) {
        static_cast<HostSlot*>(self)->put(result.host);
    }

  private:
    Host& host_;
    async::Callback changed_;
};

// Whose name servers are likely to be asked for a host: the domain above it that somebody
// registered. A short second label, as in "co.uk", is nobody's; one taken for that makes two
// parties of one.
std::string_view party_of(std::string_view name) {
    constexpr std::size_t longest_short = 3;
    const auto last = name.rfind('.');
    if (last == std::string_view::npos || last == 0) return name;
    auto from = name.rfind('.', last - 1);
    if (from != std::string_view::npos && from > 0 && last - from - 1 <= longest_short)
        from = name.rfind('.', from - 1);
    return from == std::string_view::npos ? name : name.substr(from + 1);
}

// How many hosts are looked up or have failed, in all and of one party.
class HostLimit {
  public:
    struct Count {
        std::size_t in_flight = 0;
        std::size_t failed = 0;
    };
    Count& party(const Domain& host) { return parties_[std::string(party_of(host.name()))]; }
    [[nodiscard]] std::size_t failed() const { return all_.failed; }

    [[nodiscard]] bool given_up(const Count& party) const {
        return party.failed >= max_of_party || all_.failed >= max_hosts_at_once;
    }
    [[nodiscard]] bool has_room(const Count& party) const {
        return party.in_flight + party.failed < max_of_party &&
               all_.in_flight + all_.failed < max_hosts_at_once;
    }
    void begin(Count& party) {
        party.in_flight++;
        all_.in_flight++;
    }
    void end(Count& party, bool has_failed) {
        party.in_flight--;
        all_.in_flight--;
        if (!has_failed) return;
        party.failed++;
        all_.failed++;
    }

  private:
    std::map<std::string, Count> parties_;
    Count all_;
};

// Many name servers of zones that are not signed mishandle TLSA questions, so there they are not
// asked for (RFC 7672 section 2.2.2). A host at or below a domain that is signed is likely to be of
// the same zone.
TlsaQuestion tlsa_question(const Mx& mx, const Domain& domain, const Domain& host) {
    return mx.state == MxState::secure && is_at_or_below(host.name(), domain.name())
               ? TlsaQuestion::beside_addresses
               : TlsaQuestion::after_addresses;
}

// Looks them up in their order, as far as the limit allows.
class HostLookups {
  public:
    HostLookups(async::Loop& loop, Resolver& resolver, const Nexthop& nexthop, Mx& mx,
                async::Callback changed)
        : loop_(loop), resolver_(resolver), nexthop_(nexthop), mx_(mx), changed_(changed),
          ended_(loop), group_(loop) {}

    // The least TTL. The hosts do not grow in number meanwhile.
    async::Task<seconds> look_up() {
        std::vector<Host*> waiting;
        waiting.reserve(mx_.hosts.size());
        for (Host& host : mx_.hosts)
            waiting.push_back(&host);
        while (!waiting.empty()) {
            std::erase_if(waiting, [this](Host* host) { return begin_or_give_up(*host); });
            if (!waiting.empty()) co_await ended_.wait();
        }
        co_await group_.join();
        co_return ttl_;
    }

  private:
    bool begin_or_give_up(Host& host) {
        HostLimit::Count& party = limit_.party(host.name);
        if (limit_.given_up(party)) {
            host.reason =
                fmt::format("{} was not looked up, for the lookups of {} other hosts failed",
                            host.name.name(), limit_.failed());
            host.lookup = verdict::HostLookup::ended;
            ttl_ = seconds(0);
            return true;
        }
        if (!limit_.has_room(party)) return false;
        limit_.begin(party);
        group_.start(look_up_host(host, party));
        return true;
    }

    async::Task<> look_up_host(Host& host, HostLimit::Count& party) {
        HostSlot place(host, changed_);
        const OnEarly on_early{&HostSlot::put_early, &place};
        const TlsaQuestion when = nexthop_.literal_host
                                      ? TlsaQuestion::after_addresses
                                      : tlsa_question(mx_, nexthop_.domain, host.name);
        HostResult result =
            co_await tlsa_lookup(loop_, resolver_, host.name, nexthop_.port, when, on_early);
        place.put(std::move(result.host));
        ttl_ = std::min(ttl_, result.ttl);
        limit_.end(party, host.state == HostState::failed);
        ended_.nudge();
    }

    async::Loop& loop_;
    Resolver& resolver_;
    const Nexthop& nexthop_;
    Mx& mx_;
    async::Callback changed_;
    HostLimit limit_;
    seconds ttl_ = seconds::max();
    async::Nudge ended_;
    async::Group group_; // last: its bodies use the rest
};

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
        mx.reason = "no answer yet";
        const Answer answer = co_await resolver.resolve(nexthop.domain.name(), RrType::mx);
        mx.pending = false;
        take_answer(mx, nexthop.domain, answer);
        ttl = answer.ttl;
        if (changed.fn != nullptr) changed();
    }
    HostLookups lookups(loop, resolver, nexthop, mx, changed);
    const seconds of_hosts = co_await lookups.look_up();
    mx.ttl = std::min(ttl, of_hosts);
    co_return mx;
}

} // namespace postseal::dns
