// SPDX-License-Identifier: BSD-3-Clause
#include "tls/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace postseal::tls {

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

std::optional<Address> Address::from_socket(const sockaddr_storage& name) {
    std::string rdata;
    if (name.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &name, sizeof in);
        rdata.assign(reinterpret_cast<const char*>(&in.sin_addr), sizeof in.sin_addr);
    } else if (name.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &name, sizeof in);
        rdata.assign(reinterpret_cast<const char*>(&in.sin6_addr), sizeof in.sin6_addr);
    }
    return from_rdata(rdata);
}

std::string Address::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, octets.data(), text.data(), text.size());
    return text.data();
}

} // namespace postseal::tls
