// dns/server_address.h: a name server as configuration writes it: "192.0.2.1", "192.0.2.1@5353",
// "2001:db8::1@53", "fe80::1%eth0"
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/special_addresses.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace postseal::dns {

struct ServerAddress {
    std::string text; // as written
    IpPrefix address; // without its zone index
    std::uint16_t port = 53;

    friend bool operator==(const ServerAddress&, const ServerAddress&) = default;
};

// Errors: one clause that quotes what was written.
[[nodiscard]] std::expected<ServerAddress, std::string> parse_server(std::string_view text);

struct StubZone {
    std::string zone; // with a trailing dot; ".": the root
    ServerAddress server;

    friend bool operator==(const StubZone&, const StubZone&) = default;
};

// "example.=192.0.2.1@53"
[[nodiscard]] std::expected<StubZone, std::string> parse_stub(std::string_view text);

// "192.168.0.0/16", "fd00::/8", "10.0.0.53". Errors: one clause that quotes what was written.
[[nodiscard]] std::expected<IpPrefix, std::string> parse_prefix(std::string_view text);

} // namespace postseal::dns
