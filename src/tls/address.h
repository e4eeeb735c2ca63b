// tls/address.h: an IPv4 or IPv6 address that is connected to
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr_storage;

namespace postseal::tls {

struct Address {
    enum class Family { v4, v6 };

    Family family = Family::v4;
    std::array<std::uint8_t, 16> octets{}; // network order; IPv4: the first four, the rest zero

    // RDATA of an A (4 octets) or AAAA record (16 octets).
    [[nodiscard]] static std::optional<Address> from_rdata(std::string_view rdata);
    // "192.0.2.1", "2001:db8::1"; no port, no zone, no brackets.
    [[nodiscard]] static std::optional<Address> parse(const std::string& text);

    // Of a socket's name; nothing: another family.
    [[nodiscard]] static std::optional<Address> from_socket(const sockaddr_storage& name);

    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const Address&, const Address&) = default;
};

} // namespace postseal::tls
