// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/delivery/differences.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace postseal::delivery {
namespace {

using verdict::Host;
using verdict::HostState;
using verdict::Mx;
using verdict::MxState;

bool fails(MxState state) { return state == MxState::bogus || state == MxState::failed; }

std::string with_reason(std::string_view text, std::string_view reason) {
    return reason.empty() ? std::string(text) : fmt::format("{} ({})", text, reason);
}

std::string names(const std::vector<Host>& hosts) {
    std::set<std::string> out;
    for (const Host& host : hosts)
        out.insert(host.name.name());
    return out.empty() ? "no host" : fmt::format("{}", fmt::join(out, ", "));
}

std::set<std::string> records(const Host& host) {
    std::set<std::string> out;
    for (const dane::Tlsa& record : host.tlsa)
        out.insert(dane::to_string(record));
    return out;
}

std::string seen(const Host& host) {
    if (!host.tlsa.empty())
        return fmt::format("{} TLSA record{} at {}", host.tlsa.size(),
                           host.tlsa.size() == 1 ? "" : "s", host.tlsa_name);
    return with_reason(verdict::to_string(host.state), host.reason);
}

} // namespace

std::vector<std::string> differences(const Domain& domain, const Mx& ours, const Mx& postfix) {
    std::vector<std::string> out;
    if (ours.state != postfix.state && !(fails(ours.state) && fails(postfix.state)))
        out.push_back(fmt::format("MX of {}: {} to postseald, {} to Postfix's resolver",
                                  domain.name(), verdict::to_string(ours.state),
                                  with_reason(verdict::to_string(postfix.state), postfix.reason)));
    if (fails(ours.state) || fails(postfix.state)) return out;
    if (names(ours.hosts) != names(postfix.hosts))
        out.push_back(fmt::format("MX hosts of {}: {} to postseald, {} to Postfix's resolver",
                                  domain.name(), names(ours.hosts), names(postfix.hosts)));
    for (const Host& host : ours.hosts) {
        const auto other = std::ranges::find(postfix.hosts, host.name, &Host::name);
        if (other == postfix.hosts.end()) continue;
        if (host.state == other->state && records(host) == records(*other)) continue;
        out.push_back(fmt::format("DANE of {}: {} to postseald, {} to Postfix's resolver",
                                  host.name.name(), seen(host), seen(*other)));
    }
    return out;
}

} // namespace postseal::delivery
