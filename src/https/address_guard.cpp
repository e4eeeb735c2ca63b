// SPDX-License-Identifier: BSD-3-Clause
#include "https/address_guard.h"

#include "postseal/base/special_addresses.h"

namespace postseal::https {

std::optional<std::string_view> why_not_global(const tls::Address& address) {
    return postseal::why_not_global(address.family == tls::Address::Family::v6, address.octets);
}

} // namespace postseal::https
