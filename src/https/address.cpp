// SPDX-License-Identifier: BSD-3-Clause
#include "https/address.h"

#include <arpa/inet.h>

#include <cstring>

namespace postseal::https {

std::optional<Address> Address::from_rdata(std::string_view rdata) {
    if (rdata.size() != 4 && rdata.size() != 16) return std::nullopt;
    Address address{.family = rdata.size() == 4 ? Family::v4 : Family::v6, .octets = {}};
    std::memcpy(address.octets.data(), rdata.data(), rdata.size());
    return address;
}

std::optional<Address> Address::parse(const std::string& text) {
    for (const Family family : {Family::v4, Family::v6}) {
        Address address{.family = family, .octets = {}};
        if (inet_pton(family == Family::v4 ? AF_INET : AF_INET6, text.c_str(),
                      address.octets.data()) == 1)
            return address;
    }
    return std::nullopt;
}

std::string Address::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, octets.data(), text.data(), text.size());
    return text.data();
}

} // namespace postseal::https
