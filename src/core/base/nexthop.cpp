// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/nexthop.h"

#include "postseal/base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace postseal {
namespace {

constexpr std::uint16_t smtp_port = 25;

std::unexpected<NexthopError> fail(NexthopFault fault, std::string_view what,
                                   std::string_view why) {
    return std::unexpected(NexthopError{.fault = fault, .text = complaint(what, why)});
}

// The mail services of the IANA registry and of Debian's /etc/services. Fixed, because Postfix may
// run on another machine with another file.
struct Service {
    std::string_view name;
    std::uint16_t port;
};
constexpr Service services[] = {
    {"smtp", 25}, {"submission", 587}, {"submissions", 465}, {"smtps", 465},
    {"urd", 465}, {"ssmtp", 465},      {"lmtp", 24},
};

std::optional<std::uint16_t> parse_port(std::string_view text) {
    if (text.empty()) return smtp_port;
    if (std::ranges::all_of(text, is_digit)) {
        std::uint16_t port = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
        if (read.ec != std::errc() || port == 0) return {};
        return port;
    }
    for (const Service& service : services)
        if (equals_ignoring_case(text, service.name)) return service.port;
    return {};
}

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
    return equals_ignoring_case(text.substr(0, start.size()), start);
}

// The address in its shortest form, if it is one of that family.
std::optional<std::string> address_of(int family, std::string_view text) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    std::array<char, INET6_ADDRSTRLEN> shortest{};
    const std::string plain(text);
    if (plain.find('\0') != std::string::npos ||
        inet_pton(family, plain.c_str(), address.data()) != 1 ||
        inet_ntop(family, address.data(), shortest.data(), shortest.size()) == nullptr)
        return std::nullopt;
    return shortest.data();
}

// IPv6 in the forms "::1", "IPv6:::1" (RFC 5321 section 4.1.3) and "fe80::1%eth0". IPv4 addresses
// are found by Domain.
std::optional<std::string> ipv6_of(std::string_view text) {
    if (text.find(':') == std::string_view::npos) return std::nullopt;
    if (starts_with_ignoring_case(text, "ipv6:")) text.remove_prefix(5);
    const std::string_view zone = text.substr(std::min(text.find('%'), text.size()));
    auto address = address_of(AF_INET6, text.substr(0, text.size() - zone.size()));
    if (address) address->append(zone);
    return address;
}

bool is_ipv6(std::string_view text) { return ipv6_of(text).has_value(); }

// Linux's IFNAMSIZ, and room for others'.
constexpr std::size_t max_zone = 32;

// Without one, or with one that can be the name of an interface.
bool has_good_zone(std::string_view address) {
    const auto percent = address.find('%');
    if (percent == std::string_view::npos) return true;
    const std::string_view zone = address.substr(percent + 1);
    return !zone.empty() && zone.size() <= max_zone && std::ranges::all_of(zone, [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
    });
}

struct HostAndPort {
    std::string_view host;
    std::string_view port;
    bool literal_host = false;
};

// As host_port(3) of Postfix splits it: at the bracket, or else at the last colon.
std::expected<HostAndPort, NexthopError> split(std::string_view key) {
    if (key.front() == '[') {
        const auto close = key.find(']');
        if (close == std::string_view::npos)
            return fail(NexthopFault::not_a_host, key, "a bracket that does not end");
        const std::string_view rest = key.substr(close + 1);
        if (!rest.empty() && rest.front() != ':')
            return fail(NexthopFault::not_a_host, key, "text behind the bracket");
        return HostAndPort{.host = key.substr(1, close - 1),
                           .port = rest.substr(rest.empty() ? 0 : 1),
                           .literal_host = true};
    }
    const auto colon = key.rfind(':');
    if (colon == std::string_view::npos || is_ipv6(key))
        return HostAndPort{.host = key, .port = {}, .literal_host = false};
    return HostAndPort{
        .host = key.substr(0, colon), .port = key.substr(colon + 1), .literal_host = false};
}

NexthopFault fault_of(DomainFault fault) {
    switch (fault) {
    case DomainFault::empty:
        return NexthopFault::empty;
    case DomainFault::address:
        return NexthopFault::address;
    case DomainFault::too_long:
    case DomainFault::bad_label:
    case DomainFault::bad_idna:
        break;
    }
    return NexthopFault::not_a_host;
}

} // namespace

std::expected<Nexthop, NexthopError> Nexthop::parse(std::string_view key) {
    if (key.empty()) return fail(NexthopFault::empty, key, "an empty key");
    if (key.front() == '.' && key.size() > 1)
        return fail(NexthopFault::parent_domain, key, "a parent domain");
    if (key.find('/') != std::string_view::npos) return fail(NexthopFault::path, key, "a path");
    const auto parts = split(key);
    if (!parts) return std::unexpected(parts.error());
    if (is_ipv6(parts->host)) return fail(NexthopFault::address, key, "an IPv6 address");
    auto domain = Domain::parse(parts->host);
    if (!domain)
        return std::unexpected(NexthopError{.fault = fault_of(domain.error().fault),
                                            .text = std::move(domain.error().text)});
    const auto port = parse_port(parts->port);
    if (!port) return fail(NexthopFault::bad_port, parts->port, "not a port or mail service");
    return Nexthop{
        .domain = *std::move(domain), .literal_host = parts->literal_host, .port = *port};
}

std::expected<Nexthop, NexthopError> Nexthop::parse_address(std::string_view key) {
    if (key.empty()) return fail(NexthopFault::empty, key, "an empty key");
    const auto parts = split(key);
    if (!parts) return std::unexpected(parts.error());
    auto address = address_of(AF_INET, parts->host);
    // Without brackets smtp(8) ends with an error.
    if (!address && parts->literal_host) address = ipv6_of(parts->host);
    if (!address || !has_good_zone(*address))
        return fail(NexthopFault::address, key,
                    "not an address as Postfix asks for one, such as [192.0.2.1] or "
                    "[IPv6:2001:db8::1]:587");
    const auto port = parse_port(parts->port);
    if (!port) return fail(NexthopFault::bad_port, parts->port, "not a port or mail service");
    return Nexthop{.domain = Domain::in_place_of(*std::move(address)),
                   .literal_host = true,
                   .port = *port,
                   .is_address = true};
}

std::expected<Nexthop, NexthopError> Nexthop::parse_destination(std::string_view key) {
    auto nexthop = parse(key);
    if (nexthop || nexthop.error().fault != NexthopFault::address) return nexthop;
    return parse_address(key);
}

std::string Nexthop::key() const {
    std::string out = literal_host ? "[" + domain.name() + "]" : domain.name();
    if (port != smtp_port) out += fmt::format(":{}", port);
    return out;
}

} // namespace postseal
