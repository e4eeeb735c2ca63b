// SPDX-License-Identifier: BSD-3-Clause
#include "demand.h"

#include "postseal/mtasts/mx_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <string_view>

namespace postseal::delivery {
namespace {

using Kind = Demand::Kind;
using verdict::HostState;
using verdict::MxState;

std::vector<std::string_view> values(const verdict::PostfixPolicy& policy, std::string_view name) {
    std::vector<std::string_view> out;
    for (const auto& [attribute, value] : policy.attributes)
        if (attribute == name) out.emplace_back(value);
    return out;
}

// smtp_tls_policy.c, dane_init().
Demand dane_demand(const Destination& destination, const verdict::Host& host,
                   const Orders& orders) {
    const bool only = orders.policy.level == "dane-only";
    const auto without_dane = [&](Kind kind, std::string why) {
        return Demand{.kind = only ? Kind::impossible : kind,
                      .names = {},
                      .why = only ? "dane-only: " + why : std::move(why)};
    };
    if (destination.mx == MxState::insecure && (only || !orders.smtp.dane_by_insecure_mx))
        return without_dane(Kind::opportunistic, "the MX RRset is not signed");
    switch (host.state) {
    case HostState::usable:
        return {.kind = Kind::dane, .names = dane_names(destination, host), .why = {}};
    case HostState::unusable:
        return without_dane(Kind::encryption, host.reason);
    case HostState::none:
        return without_dane(Kind::opportunistic, host.reason);
    case HostState::failed:
        break;
    case HostState::no_address:
        break;
    }
    return {.kind = Kind::impossible, .names = {}, .why = host.reason};
}

// The words that match= may have for a name (postconf(5), smtp_tls_secure_cert_match).
std::string expanded(std::string_view word, const Destination& destination,
                     const verdict::Host& host) {
    if (word == "hostname") return host.name.name();
    if (word == "nexthop") return destination.nexthop.domain.name();
    if (word == "dot-nexthop") return "." + destination.nexthop.domain.name();
    return std::string(word);
}

std::vector<std::string> match_names(const Destination& destination, const verdict::Host& host,
                                     const verdict::PostfixPolicy& policy) {
    std::vector<std::string_view> lists = values(policy, "match");
    if (lists.empty())
        lists.emplace_back(policy.level == "verify" ? "hostname" : "nexthop:dot-nexthop");
    std::vector<std::string> out;
    for (const std::string_view list : lists)
        for (const auto word : std::views::split(list, ':'))
            if (!word.empty()) out.push_back(expanded(std::string_view(word), destination, host));
    return out;
}

Demand names_demand(const Destination& destination, const verdict::Host& host,
                    const Orders& orders) {
    const verdict::PostfixPolicy& policy = orders.policy;
    if (!values(policy, "tafile").empty())
        return {.kind = Kind::unknown, .names = {}, .why = "tafile= is not examined"};
    const auto patterns = values(policy, "mx_host_pattern");
    if (patterns.empty() || !orders.smtp.checks_sts_patterns)
        return {.kind = Kind::names, .names = match_names(destination, host, policy), .why = {}};
    const bool matches = std::ranges::any_of(patterns, [&](std::string_view text) {
        const auto pattern = mtasts::MxPattern::parse(text);
        return pattern && pattern->matches(host.name);
    });
    if (matches) return {.kind = Kind::names, .names = {host.name.name()}, .why = {}};
    return {.kind = Kind::impossible,
            .names = {},
            .why = fmt::format("{} matches no mx of the MTA-STS policy", host.name.name())};
}

} // namespace

std::string tlsa_base(const verdict::Host& host) {
    constexpr std::string_view below = "._tcp.";
    const std::size_t at = host.tlsa_name.find(below);
    return at == std::string::npos ? host.name.name() : host.tlsa_name.substr(at + below.size());
}

std::vector<std::string> dane_names(const Destination& destination, const verdict::Host& host) {
    std::vector<std::string> out{tlsa_base(host)};
    if (destination.nexthop.literal_host) return out;
    out.push_back(destination.nexthop.domain.name());
    if (!destination.canonical_name.empty()) out.push_back(destination.canonical_name);
    return out;
}

Demand demand_of(const Destination& destination, const verdict::Host& host, const Orders& orders) {
    const std::string& level = orders.policy.level;
    if (level == "none") return {.kind = Kind::clear_text, .names = {}, .why = {}};
    if (level == "may") return {.kind = Kind::opportunistic, .names = {}, .why = {}};
    if (level == "encrypt") return {.kind = Kind::encryption, .names = {}, .why = {}};
    if (level == "dane" || level == "dane-only") return dane_demand(destination, host, orders);
    if (level == "verify" || level == "secure") return names_demand(destination, host, orders);
    return {
        .kind = Kind::unknown, .names = {}, .why = fmt::format("level {} is not examined", level)};
}

} // namespace postseal::delivery
