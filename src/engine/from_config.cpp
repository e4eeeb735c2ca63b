// SPDX-License-Identifier: BSD-3-Clause
#include "engine/from_config.h"

#include "dns/system_files.h"
#include "fleet/place.h"

namespace postseal::engine {

dns::UnboundOptions unbound_options(const config::Dns& dns) {
    const bool left_to_us = dns.forward.empty() && dns.stub.empty() && dns.unbound_conf.empty() &&
                            dns.root_hints == dns::system_word;
    return {.trust_anchor = dns.trust_anchor,
            .root_hints = dns.root_hints,
            .forward = dns.forward,
            .stub = dns.stub,
            .unbound_conf = dns.unbound_conf,
            .private_name_servers = dns.private_name_servers,
            .timeout = dns.timeout,
            .may_ask_system = left_to_us};
}

https::FetcherOptions fetcher_options(const config::Https& https) {
    return {.ca_file = https.ca_file,
            .allow_private = https.allow_private,
            .timeout = https.timeout,
            .per_address = https.per_address};
}

Options engine_options(const config::Config& config) {
    return {.cache_octets = config.cache_memory,
            .lookups = config.limits.lookups,
            .deadline = config.limits.deadline};
}

std::expected<std::size_t, std::string> check_files(const config::Config& config) {
    if (config::has_shared_store(config))
        if (const auto place = fleet::parse_place(config.store); !place)
            return std::unexpected(place.error());
    const auto overrides = Overrides::load(config.overrides);
    if (!overrides) return std::unexpected(overrides.error());
    async::UvLoop loop;
    const auto resolver = dns::Unbound::open(loop, unbound_options(config.dns));
    if (!resolver) return std::unexpected(resolver.error());
    const auto fetcher =
        https::HttpsPolicyFetcher::open(loop, **resolver, fetcher_options(config.https));
    if (!fetcher) return std::unexpected(fetcher.error());
    return overrides->size();
}

} // namespace postseal::engine
