// SPDX-License-Identifier: BSD-3-Clause
#include "dns/mx_rdata.h"

#include "postseal/base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace postseal::dns {
namespace {

constexpr std::size_t max_label = 63;
constexpr std::size_t max_wire_name = 255;

void append_label(std::string& text, std::string_view label) {
    if (!text.empty()) text += '.';
    for (const char c : label) {
        const auto octet = static_cast<unsigned char>(c);
        if (c >= 'A' && c <= 'Z')
            text += static_cast<char>(c - 'A' + 'a');
        else if (is_alphanumeric(c) || c == '-' || c == '_')
            text += c;
        else
            text += fmt::format("\\{:03}", octet);
    }
}

} // namespace

std::expected<MxRecord, std::string> parse_mx(std::string_view rdata) {
    if (rdata.size() < 3) return std::unexpected("shorter than a preference and a name");
    MxRecord record;
    record.preference = static_cast<std::uint16_t>(static_cast<unsigned char>(rdata[0]) << 8U |
                                                   static_cast<unsigned char>(rdata[1]));
    std::string_view rest = rdata.substr(2);
    if (rest.size() > max_wire_name) return std::unexpected("a name of more than 255 octets");
    for (;;) {
        if (rest.empty()) return std::unexpected("a name without an end");
        const std::size_t length = static_cast<unsigned char>(rest.front());
        rest.remove_prefix(1);
        if (length == 0) break;
        if (length > max_label) return std::unexpected("a label of more than 63 octets");
        if (rest.size() < length) return std::unexpected("a label without an end");
        append_label(record.exchange, rest.substr(0, length));
        rest.remove_prefix(length);
    }
    if (!rest.empty()) return std::unexpected("octets after the name");
    return record;
}

namespace {

bool is_address(const std::string& name) {
    in_addr address{};
    return inet_pton(AF_INET, name.c_str(), &address) == 1;
}

bool is_wildcard(std::string_view name) {
    constexpr std::string_view star = "\\042"; // as parse_mx() writes it
    if (!name.starts_with(star)) return false;
    name.remove_prefix(star.size());
    return name.empty() || (name.front() == '.' && Domain::from_dns(name.substr(1)));
}

} // namespace

Exchanges exchanges(std::span<const std::string> rdata) {
    Exchanges out;
    std::size_t roots = 0;
    std::set<std::string> addresses;
    std::set<std::string> wildcards;
    for (const std::string& octets : rdata) {
        const auto record = parse_mx(octets);
        if (!record) continue;
        if (record->exchange.empty())
            roots++;
        else if (is_address(record->exchange))
            addresses.insert(record->exchange);
        else if (auto host = Domain::from_dns(record->exchange))
            out.hosts.push_back({record->preference, *std::move(host)});
        else if (is_wildcard(record->exchange))
            wildcards.insert(record->exchange);
    }
    std::ranges::sort(out.hosts, {},
                      [](const Exchange& e) { return std::tie(e.host, e.preference); });
    const auto twice = std::ranges::unique(out.hosts, {}, &Exchange::host);
    out.hosts.erase(twice.begin(), twice.end());
    std::ranges::sort(out.hosts, {},
                      [](const Exchange& e) { return std::tie(e.preference, e.host); });
    out.addresses = addresses.size();
    out.wildcards = wildcards.size();
    out.null_mx = roots > 0 && roots == rdata.size();
    return out;
}

} // namespace postseal::dns
