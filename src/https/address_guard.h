// https/address_guard.h: which addresses are not on the public Internet
//
// An MTA-STS record must not make us probe the operator's own network, so a policy is fetched from
// globally routable unicast addresses only: those that base/special_addresses.h does not name.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "tls/address.h"

#include <optional>
#include <string_view>

namespace postseal::https {

// Nothing: the address is global. Else what kind of address it is, with its source, for an
// operator: "private (RFC 1918)".
[[nodiscard]] std::optional<std::string_view> why_not_global(const tls::Address& address);

} // namespace postseal::https
