// SPDX-License-Identifier: BSD-3-Clause
#include "survey/unasked_zones.h"

#include "async/block_on.h"
#include "async/timeout.h"
#include "dns/mx_rdata.h"
#include "dns/server_address.h"
#include "postseal/base/domain.h"
#include "postseal/base/text.h"
#include "survey/dns_query.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace postseal::survey {
namespace {

constexpr milliseconds longest_search{10'000};
constexpr std::size_t max_names = 3; // looked up in vain, of one destination
constexpr std::size_t max_servers = 13;
constexpr int max_referrals = 8;

struct Glue {
    std::string server;
    std::string address;
};

struct Delegation {
    std::string zone; // empty: the root
    std::vector<std::string> servers;
    std::vector<Glue> glue;
};

std::optional<std::string> name_in(std::string_view message, std::string_view from) {
    char text[NS_MAXDNAME];
    const auto* begin = reinterpret_cast<const unsigned char*>(message.data());
    const auto* at = reinterpret_cast<const unsigned char*>(from.data());
    if (ns_name_uncompress(begin, begin + message.size(), at, text, sizeof text) < 0)
        return std::nullopt;
    std::string name = lower_ascii(text);
    return dns::askable(name) ? std::optional(std::move(name)) : std::nullopt;
}

std::optional<std::string> address_in(std::string_view rdata) {
    const int family = rdata.size() == sizeof(in_addr)    ? AF_INET
                       : rdata.size() == sizeof(in6_addr) ? AF_INET6
                                                          : AF_UNSPEC;
    char text[INET6_ADDRSTRLEN];
    if (family == AF_UNSPEC || ::inet_ntop(family, rdata.data(), text, sizeof text) == nullptr)
        return std::nullopt;
    return text;
}

std::string_view rdata_of(const ns_rr& record) {
    return {reinterpret_cast<const char*>(ns_rr_rdata(record)),
            static_cast<std::size_t>(ns_rr_rdlen(record))};
}

// One reply, read as a referral to a zone below `above` that `name` is in; nothing: it is none.
std::optional<Delegation> referral_in(std::string_view reply, std::string_view name,
                                      std::string_view above) {
    ns_msg message;
    if (ns_initparse(reinterpret_cast<const unsigned char*>(reply.data()),
                     static_cast<int>(reply.size()), &message) != 0)
        return std::nullopt;
    Delegation out;
    ns_rr record;
    for (int i = 0; i < ns_msg_count(message, ns_s_ns); i++) {
        if (ns_parserr(&message, ns_s_ns, i, &record) != 0) break;
        const std::string owner = lower_ascii(ns_rr_name(record));
        if (ns_rr_type(record) != ns_t_ns || owner == above || !is_at_or_below(owner, above) ||
            !is_at_or_below(name, owner) || out.servers.size() == max_servers)
            continue;
        out.zone = owner;
        if (auto server = name_in(reply, rdata_of(record)))
            out.servers.push_back(*std::move(server));
    }
    for (int i = 0; i < ns_msg_count(message, ns_s_ar); i++) {
        if (ns_parserr(&message, ns_s_ar, i, &record) != 0) break;
        if (ns_rr_type(record) != ns_t_a && ns_rr_type(record) != ns_t_aaaa) continue;
        if (auto address = address_in(rdata_of(record)))
            out.glue.push_back({lower_ascii(ns_rr_name(record)), *std::move(address)});
    }
    if (out.servers.empty()) return std::nullopt;
    return out;
}

class Search {
  public:
    explicit Search(dns::Unbound& resolver) : resolver_(resolver) {}

    async::Task<std::vector<doctor::UnaskedZone>> of(Nexthop nexthop) {
        std::vector<doctor::UnaskedZone> found;
        const std::vector<std::string> failing = co_await failing_names(nexthop);
        for (const std::string& name : failing) {
            auto zone = co_await unasked_above(name);
            if (zone) found.push_back(*std::move(zone));
        }
        co_return found;
    }

  private:
    // A server that is not asked makes no time limit pass.
    async::Task<bool> fails(std::string name, dns::RrType type) {
        const dns::Answer answer = co_await resolver_.resolve(std::move(name), type);
        co_return answer.failure == dns::Failure::servfail;
    }

    async::Task<std::vector<std::string>> failing_names(Nexthop nexthop) {
        std::vector<std::string> hosts{nexthop.domain.name()};
        if (!nexthop.literal_host) {
            const dns::Answer mx =
                co_await resolver_.resolve(nexthop.domain.name(), dns::RrType::mx);
            if (mx.failure == dns::Failure::servfail) co_return hosts;
            if (mx.status == dns::Status::found) hosts.clear();
            for (const dns::Exchange& exchange : dns::exchanges(mx.rdata).hosts)
                hosts.push_back(exchange.host.name());
        }
        if (hosts.size() > max_names) hosts.resize(max_names);
        std::vector<std::string> out;
        for (const std::string& host : hosts) {
            const bool failed = co_await fails(host, dns::RrType::a);
            if (failed) out.push_back(host);
        }
        co_return out;
    }

    // The nearest zone above whose name servers answer for it.
    async::Task<std::optional<Delegation>> answering_above(std::string name) {
        for (;;) {
            const auto dot = name.find('.');
            name.erase(0, dot == std::string::npos ? name.size() : dot + 1);
            const std::string zone = name.empty() ? "." : name;
            const dns::Answer answer = co_await resolver_.resolve(zone, dns::RrType::ns);
            if (answer.status == dns::Status::found && answer.canonical_name.empty()) {
                Delegation out{.zone = name, .servers = {}, .glue = {}};
                for (const std::string& rdata : answer.rdata)
                    if (auto server = name_in(rdata, rdata))
                        out.servers.push_back(*std::move(server));
                co_return out;
            }
            if (name.empty()) co_return std::nullopt;
        }
    }

    async::Task<std::vector<doctor::UnaskedZone::Server>> addresses(Delegation delegation) {
        std::vector<doctor::UnaskedZone::Server> out;
        for (const std::string& server : delegation.servers) {
            const std::size_t before = out.size();
            for (const Glue& glue : delegation.glue)
                if (glue.server == server) out.push_back({server, glue.address, ""});
            if (out.size() > before) continue;
            for (const dns::RrType type : {dns::RrType::a, dns::RrType::aaaa}) {
                const dns::Answer answer = co_await resolver_.resolve(server, type);
                for (const std::string& rdata : answer.rdata)
                    if (auto address = address_in(rdata))
                        out.push_back({server, *std::move(address), ""});
            }
        }
        co_return out;
    }

    // And notes why.
    [[nodiscard]] bool is_asked(doctor::UnaskedZone::Server& server) const {
        const auto address = dns::parse_prefix(server.address);
        if (!address) return false;
        const bool asked = std::ranges::none_of(resolver_.not_asked(), [&](const IpPrefix& prefix) {
            return prefix.contains(*address);
        });
        if (!asked)
            server.kind = why_not_global(address->is_v6, address->octets).value_or("special");
        return asked;
    }

    async::Task<std::optional<doctor::UnaskedZone>> unasked_above(std::string name) {
        std::optional<Delegation> now = co_await answering_above(name);
        for (int i = 0; now && i < max_referrals; i++) {
            auto servers = co_await addresses(*now);
            const auto asked =
                std::ranges::find_if(servers, [this](auto& server) { return is_asked(server); });
            if (servers.empty()) break;
            if (asked == servers.end())
                co_return doctor::UnaskedZone{.name = now->zone, .servers = std::move(servers)};
            const auto reply =
                dns_query(asked->address, name, ns_t_a, Checking::enabled, Recursion::unwanted);
            now = reply ? referral_in(*reply, name, now->zone) : std::nullopt;
        }
        co_return std::nullopt;
    }

    dns::Unbound& resolver_;
};

} // namespace

std::vector<doctor::UnaskedZone> unasked_zones(async::UvLoop& loop, dns::Unbound& resolver,
                                               const Nexthop& nexthop) {
    if (nexthop.is_address) return {};
    Search search(resolver);
    return async::block_on(loop, async::with_timeout(loop, search.of(nexthop), longest_search))
        .value_or(std::vector<doctor::UnaskedZone>());
}

} // namespace postseal::survey
