// SPDX-License-Identifier: BSD-3-Clause
#include "service/part_options.h"

#include "dns/system_files.h"

namespace postseal::service {

dns::UnboundOptions unbound_options(const config::Dns& dns) {
    const bool left_to_us = dns.forward.empty() && dns.stub.empty() && dns.unbound_conf.empty() &&
                            dns.root_hints == dns::system_word;
    return {.trust_anchor = dns.trust_anchor,
            .root_hints = dns.root_hints,
            .forward = dns.forward,
            .stub = dns.stub,
            .unbound_conf = dns.unbound_conf,
            .private_name_servers = dns.private_name_servers,
            .qname_minimisation = dns.qname_minimisation,
            .timeout = dns.timeout,
            .may_ask_system = left_to_us};
}

https::FetcherOptions fetcher_options(const config::Https& https) {
    return {.ca_file = https.ca_file,
            .allow_private = https.allow_private,
            .timeout = https.timeout,
            .per_address = https.per_address};
}

engine::Options engine_options(const config::Config& config) {
    return {.cache_octets = config.cache_memory,
            .lookups = config.limits.lookups,
            .deadline = config.limits.deadline};
}

} // namespace postseal::service
