// SPDX-License-Identifier: BSD-3-Clause
#include "dns/server_address.h"

#include "dns/resolver.h"
#include "postseal/base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace postseal::dns {
namespace {

std::optional<IpPrefix> ip_address(const std::string& text) {
    IpPrefix address;
    if (inet_pton(AF_INET, text.c_str(), address.octets.data()) == 1) {
        address.bits = 32;
        return address;
    }
    address = {.is_v6 = true, .octets = {}, .bits = 128};
    if (inet_pton(AF_INET6, text.c_str(), address.octets.data()) == 1) return address;
    return std::nullopt;
}

std::optional<std::uint16_t> port_number(std::string_view text) {
    std::uint16_t port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || port == 0)
        return std::nullopt;
    return port;
}

} // namespace

std::expected<ServerAddress, std::string> parse_server(std::string_view text) {
    const auto at = text.find('@');
    const std::optional<std::uint16_t> port =
        at == std::string_view::npos ? 53 : port_number(text.substr(at + 1));
    if (!port)
        return std::unexpected(
            fmt::format("\"{}\" has no port number (1 to 65535) after the @", printable(text)));
    // A zone index (RFC 4007 section 11) goes with link-local addresses.
    const std::string_view host = text.substr(0, at);
    const auto address = ip_address(std::string(host.substr(0, host.find('%'))));
    if (!address)
        return std::unexpected(fmt::format(
            "\"{}\" is not an IP address, or one followed by @ and a port", printable(text)));
    return ServerAddress{std::string(text), *address, *port};
}

std::expected<StubZone, std::string> parse_stub(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos)
        return std::unexpected(
            fmt::format("\"{}\" is not of the form zone=address", printable(text)));
    std::string_view zone = text.substr(0, equals);
    if (zone.ends_with('.')) zone.remove_suffix(1);
    if (!(zone.empty() && equals == 1) && !askable(zone))
        return std::unexpected(
            fmt::format("\"{}\" is not a zone name", printable(text.substr(0, equals))));
    auto server = parse_server(text.substr(equals + 1));
    if (!server) return std::unexpected(std::move(server.error()));
    return StubZone{std::string(zone) + ".", *std::move(server)};
}

std::expected<IpPrefix, std::string> parse_prefix(std::string_view text) {
    const auto slash = text.find('/');
    auto prefix = ip_address(std::string(text.substr(0, slash)));
    if (!prefix)
        return std::unexpected(fmt::format("\"{}\" is not an IP address, nor one followed by / and "
                                           "a prefix length: write \"192.168.0.0/16\"",
                                           printable(text)));
    if (slash == std::string_view::npos) return *prefix;
    const std::string_view length = text.substr(slash + 1);
    unsigned bits = 0;
    const auto read = std::from_chars(length.data(), length.data() + length.size(), bits);
    if (read.ec != std::errc() || read.ptr != length.data() + length.size() || bits > prefix->bits)
        return std::unexpected(fmt::format("\"{}\" has no prefix length (0 to {}) after the /",
                                           printable(text), prefix->bits));
    prefix->bits = bits;
    const IpOctets written = prefix->octets;
    for (unsigned i = 0; i < prefix->octets.size(); i++) {
        const unsigned kept = std::min(8U, bits - std::min(bits, i * 8));
        prefix->octets[i] &= static_cast<std::uint8_t>(0xff00U >> kept);
    }
    if (prefix->octets != written)
        return std::unexpected(fmt::format("\"{}\" has bits beyond its prefix length: write \"{}\"",
                                           printable(text), prefix->to_string()));
    return *prefix;
}

} // namespace postseal::dns
