// https/address_guard.h: which addresses are not on the public Internet
//
// An MTA-STS record must not make us probe the operator's own network, so a policy is fetched from
// globally routable unicast addresses only. The ranges are those of IANA's special-purpose address
// registries (RFC 6890, RFC 8190), multicast and reserved space, and for IPv6 all that is outside
// 2000::/3. Addresses that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) are judged by it.
// Anycast services of the local network, which the registries call global (192.0.0.9, 2001:1::1),
// count as not global: no policy host is there, and the nearest instance is the operator's.
// A NAT64 prefix of the operator's own cannot be known here. SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "tls/address.h"

#include <optional>
#include <string_view>

namespace postseal::https {

// Nothing: the address is global. Else what kind of address it is, with its source, for an
// operator: "private (RFC 1918)".
[[nodiscard]] std::optional<std::string_view> why_not_global(const tls::Address& address);

} // namespace postseal::https
