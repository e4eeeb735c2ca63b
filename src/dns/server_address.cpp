// SPDX-License-Identifier: BSD-3-Clause
#include "dns/server_address.h"

#include "dns/resolver.h"
#include "postseal/base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <charconv>
#include <cstdint>
#include <optional>

namespace postseal::dns {
namespace {

// Whether it is a loopback address; nothing: it is none at all.
std::optional<bool> loopback(const std::string& address) {
    in_addr v4{};
    if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24U == 127;
    // A zone index (RFC 4007 section 11) goes with link-local addresses.
    in6_addr v6{};
    if (inet_pton(AF_INET6, address.substr(0, address.find('%')).c_str(), &v6) != 1)
        return std::nullopt;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
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
    const auto is_loopback = loopback(std::string(text.substr(0, at)));
    if (!is_loopback)
        return std::unexpected(fmt::format("\"{}\" is no IP address, nor one followed by @ and a "
                                           "port",
                                           printable(text)));
    return ServerAddress{std::string(text), *is_loopback, *port};
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
            fmt::format("\"{}\" is no zone name", printable(text.substr(0, equals))));
    auto server = parse_server(text.substr(equals + 1));
    if (!server) return std::unexpected(std::move(server.error()));
    return StubZone{std::string(zone) + ".", *std::move(server)};
}

} // namespace postseal::dns
