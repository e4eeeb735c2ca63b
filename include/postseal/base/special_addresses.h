// base/special_addresses.h: which IP addresses are not on the public Internet
//
// The ranges are those of IANA's special-purpose address registries (RFC 6890, RFC 8190), multicast
// and reserved space, and for IPv6 all that is outside 2000::/3. Addresses that carry an IPv4
// address (mapped, NAT64, 6to4, Teredo) are judged by it. Anycast services of the local network,
// which the registries call global (192.0.0.9, 2001:1::1), count as not global: the nearest
// instance is the operator's. A NAT64 prefix of the operator's own cannot be known here. Octets are
// in network order; IPv4: the first four, the rest zero.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postseal {

using IpOctets = std::array<std::uint8_t, 16>;

struct IpPrefix {
    bool is_v6 = false;
    IpOctets octets{}; // beyond `bits` all are zero
    unsigned bits = 0; // at most 32 or 128

    [[nodiscard]] bool contains(const IpPrefix& other) const;
    [[nodiscard]] std::string to_string() const; // "10.0.0.0/8", "fc00:0:0:0:0:0:0:0/7"

    friend bool operator==(const IpPrefix&, const IpPrefix&) = default;
};

// Nothing: the address is global. Else what kind of address it is, with its source, for an
// operator: "private (RFC 1918)".
[[nodiscard]] std::optional<std::string_view> why_not_global(bool is_v6, const IpOctets& address);

// All addresses for which why_not_global() says something, and all of Teredo's (2001::/32): the
// address of the client, by which these are judged, is at their end. In no order; none contains
// another.
[[nodiscard]] std::vector<IpPrefix> special_prefixes();

// The same addresses but for those of `exceptions`.
[[nodiscard]] std::vector<IpPrefix> without(const std::vector<IpPrefix>& prefixes,
                                            std::span<const IpPrefix> exceptions);

} // namespace postseal
