// SPDX-License-Identifier: BSD-3-Clause
#include "dns/root_check.h"

#include "dns/message.h"
#include "postseal/base/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace postseal::dns {
namespace {

constexpr std::uint32_t type_dnskey = 48;
constexpr std::uint32_t type_rrsig = 46;

// Of the DNSKEY RRset (RFC 4034 section 3.1).
struct RootSignature {
    std::uint16_t key_tag = 0;
    WallTime inception;
    WallTime expiration;
};

// RFC 4034 section 3.1.5: serial number arithmetic, so within 68 years of now.
WallTime wall_time(std::uint32_t value, WallTime now) {
    const auto present = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
    const auto ahead = static_cast<std::int32_t>(value - static_cast<std::uint32_t>(present));
    return WallTime(seconds(present + ahead));
}

std::vector<RootSignature> signatures_in(std::string_view message, WallTime now) {
    std::vector<RootSignature> out;
    MessageReader reader(message);
    const auto counts = reader.skip_to_answers();
    for (std::uint32_t i = 0; i < counts.answers && reader.good(); i++) {
        const MessageReader::Record record = reader.next_record();
        if (record.type != type_rrsig) continue;
        MessageReader rdata(record.rdata);
        const std::uint32_t covered = rdata.number(2);
        rdata.take(6); // algorithm, labels, original TTL
        const std::uint32_t expiration = rdata.number(4);
        const std::uint32_t inception = rdata.number(4);
        const auto tag = static_cast<std::uint16_t>(rdata.number(2));
        if (rdata.good() && covered == type_dnskey)
            out.push_back({tag, wall_time(inception, now), wall_time(expiration, now)});
    }
    return out;
}

// "key 1", "keys 1, 2"
std::string key_list(std::vector<std::uint16_t> tags) {
    std::ranges::sort(tags);
    const auto twice = std::ranges::unique(tags);
    tags.erase(twice.begin(), twice.end());
    return fmt::format("{} {}", tags.size() == 1 ? "key" : "keys", fmt::join(tags, ", "));
}

RootCheck anchor_fault(const std::vector<RootSignature>& signatures,
                       const std::vector<std::uint16_t>& ours) {
    std::vector<std::uint16_t> signers;
    signers.reserve(signatures.size());
    for (const RootSignature& signature : signatures)
        signers.push_back(signature.key_tag);
    return {.fault = RootFault::trust_anchor,
            .reason = fmt::format("the root is signed by {}, our trust anchor has {}",
                                  key_list(signers), key_list(ours)),
            .fix =
                "update the package dns-root-data or set [dns] trust_anchor = [\"system\"], then "
                "postseal reload"};
}

RootCheck clock_fault(const RootSignature& signature, WallTime now) {
    return {.fault = RootFault::clock,
            .reason =
                fmt::format("the clock says {}, the root is signed from {} to {}", rfc3339(now),
                            rfc3339(signature.inception), rfc3339(signature.expiration)),
            .fix = "set the clock (timedatectl set-ntp true)"};
}

std::string network_fix(AskedServers asked) {
    switch (asked) {
    case AskedServers::authoritative:
        return "let port 53, UDP and TCP, out unchanged, or set [dns] forward = [\"resolv.conf\"]";
    case AskedServers::forwarders:
        return "name forwarders that answer with DNSSEC records in [dns] forward";
    case AskedServers::system:
        return "put a resolver that answers with DNSSEC records into /etc/resolv.conf, or name one "
               "in [dns] forward";
    }
    return {};
}

} // namespace

constexpr auto root_fault_names = names_for<RootFault>({
    {RootFault::none, "none"},
    {RootFault::trust_anchor, "trust-anchor"},
    {RootFault::stripped, "stripped"},
    {RootFault::clock, "clock"},
    {RootFault::altered, "altered"},
    {RootFault::unreachable, "unreachable"},
});
std::string_view to_string(RootFault fault) { return root_fault_names[fault]; }

constexpr auto asked_servers_names =
    names_for<AskedServers>({{AskedServers::authoritative, "authoritative"},
                             {AskedServers::forwarders, "forwarders"},
                             {AskedServers::system, "resolv.conf"}});
std::string_view to_string(AskedServers asked) { return asked_servers_names[asked]; }

RootCheck check_root(const RootAnswer& root, std::span<const TrustAnchor> anchors,
                     AskedServers asked, WallTime now) {
    const Answer& answer = root.answer;
    if (answer.status == Status::found) return {};
    if (answer.status != Status::bogus)
        return {.fault = RootFault::unreachable,
                .reason = fmt::format("the root's keys cannot be obtained: {}",
                                      answer.reason.empty() ? "no such records" : answer.reason),
                .fix = network_fix(asked)};
    const std::vector<RootSignature> signatures = signatures_in(root.message, now);
    if (signatures.empty())
        return {.fault = RootFault::stripped,
                .reason = "answers come without DNSSEC signatures",
                .fix = network_fix(asked)};
    std::vector<std::uint16_t> ours;
    for (const TrustAnchor& anchor : anchors)
        if (anchor.owner.empty()) ours.push_back(anchor.key_tag);
    const auto by_ours = [&](const RootSignature& signature) {
        return ours.empty() || std::ranges::find(ours, signature.key_tag) != ours.end();
    };
    const auto fitting = std::ranges::find_if(signatures, by_ours);
    if (fitting == signatures.end()) return anchor_fault(signatures, ours);
    const bool timely = std::ranges::any_of(signatures, [&](const RootSignature& signature) {
        return by_ours(signature) && signature.inception <= now && now <= signature.expiration;
    });
    if (!timely) return clock_fault(*fitting, now);
    return {.fault = RootFault::altered,
            .reason = "the root's signature is wrong: " + answer.reason,
            .fix = ours.empty() ? "look at the trust anchors of dns.unbound_conf, then "
                                  "postseal reload"
                                : network_fix(asked)};
}

std::string own_fault_clause(const RootCheck& check) {
    return fmt::format("our own DNSSEC validation fails ({}): {}; fix: {}", to_string(check.fault),
                       check.reason, check.fix);
}

} // namespace postseal::dns
