// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/nexthop.h"

#include "postseal/base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
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

// IPv6 in the forms "::1", "IPv6:::1" (RFC 5321 section 4.1.3) and "fe80::1%eth0". IPv4 addresses
// are found by Domain.
bool is_ipv6(std::string_view text) {
    if (text.find(':') == std::string_view::npos) return false;
    if (starts_with_ignoring_case(text, "ipv6:")) text.remove_prefix(5);
    in6_addr address{};
    const std::string plain(text.substr(0, text.find('%')));
    return plain.find('\0') == std::string::npos &&
           inet_pton(AF_INET6, plain.c_str(), &address) == 1;
}

struct Parts {
    std::string_view host;
    std::string_view port;
    bool literal_host = false;
};

// As host_port(3) of Postfix splits it: at the bracket, or else at the last colon.
std::expected<Parts, NexthopError> split(std::string_view key) {
    if (key.front() == '[') {
        const auto close = key.find(']');
        if (close == std::string_view::npos)
            return fail(NexthopFault::not_a_host, key, "a bracket that does not end");
        const std::string_view rest = key.substr(close + 1);
        if (!rest.empty() && rest.front() != ':')
            return fail(NexthopFault::not_a_host, key, "text behind the bracket");
        return Parts{.host = key.substr(1, close - 1),
                     .port = rest.substr(rest.empty() ? 0 : 1),
                     .literal_host = true};
    }
    const auto colon = key.rfind(':');
    if (colon == std::string_view::npos || is_ipv6(key))
        return Parts{.host = key, .port = {}, .literal_host = false};
    return Parts{
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
    if (!port) return fail(NexthopFault::bad_port, parts->port, "no port or mail service");
    return Nexthop{
        .domain = *std::move(domain), .literal_host = parts->literal_host, .port = *port};
}

std::string Nexthop::key() const {
    std::string out = literal_host ? "[" + domain.name() + "]" : domain.name();
    if (port != smtp_port) out += fmt::format(":{}", port);
    return out;
}

} // namespace postseal
