// base/nexthop.h: the key Postfix asks about (postconf(5) smtp_tls_policy_maps, transport(5))
//
//   example.com           MX lookup, port 25
//   example.com:587       MX lookup, that port
//   [mx.example.com]      the host itself, port 25
//   [mx.example.com]:587  the host itself, that port; service names (submission) are allowed
//
// A port is 1 to 65535 in digits, or one of a fixed list of mail services; after the colon it may
// be missing, as in Postfix's host_port(3), and is then 25.
// Everything else (".example.com", addresses, paths, what is not a name of a host) has no policy:
// parse() says why. A name with an underscore is one: Postfix asks about it and delivers there.
//
// An address ("[192.0.2.1]", "[IPv6:2001:db8::1]:587", "192.0.2.1:587") promises nothing, but an
// override may name it: parse_address() reads those.
// Keys that mean the same give the same canonical key(), which parses to the same Nexthop again.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/domain.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace postseal {

enum class NexthopFault { empty, parent_domain, address, path, not_a_host, bad_port };

struct NexthopError {
    NexthopFault fault;
    std::string text; // one clause for an operator, printable

    friend bool operator==(const NexthopError&, const NexthopError&) = default;
};

struct Nexthop {
    Domain domain;             // the MTA-STS policy domain (RFC 8461 section 3.4)
    bool literal_host = false; // in brackets: no MX lookup
    std::uint16_t port = 25;
    bool is_address = false; // `domain` is the text of an address, and is not looked up anywhere

    [[nodiscard]] static std::expected<Nexthop, NexthopError> parse(std::string_view key);
    // An address as smtp(8) delivers to it: in brackets, or IPv4 without them.
    [[nodiscard]] static std::expected<Nexthop, NexthopError> parse_address(std::string_view key);
    // Either. Of a key that is only like an address the error is parse_address()'s, which shows how
    // to write one.
    [[nodiscard]] static std::expected<Nexthop, NexthopError>
    parse_destination(std::string_view key);

    // "example.com", "example.com:587", "[mx.example.com]", "[mx.example.com]:587", "[192.0.2.1]",
    // "[2001:db8::1]:587": port 25 left out
    [[nodiscard]] std::string key() const;

    friend bool operator==(const Nexthop&, const Nexthop&) = default;
};

} // namespace postseal
