// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/special_addresses.h"
#include "support/table.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

namespace postseal::test {
namespace {

IpPrefix host(const std::string& text) {
    IpPrefix address{.is_v6 = text.find(':') != std::string::npos};
    address.bits = address.is_v6 ? 128 : 32;
    REQUIRE(inet_pton(address.is_v6 ? AF_INET6 : AF_INET, text.c_str(), address.octets.data()) ==
            1);
    return address;
}

bool among(const IpPrefix& address, const std::vector<IpPrefix>& prefixes) {
    return std::ranges::any_of(prefixes, [&](const auto& one) { return one.contains(address); });
}

bool counts(const IpPrefix& address) {
    const IpPrefix teredo{.is_v6 = true, .octets = {0x20, 0x01}, .bits = 32};
    return why_not_global(address.is_v6, address.octets) || teredo.contains(address);
}

TEST_CASE("special_prefixes: each special-purpose range and its neighbours") {
    const std::vector<IpPrefix> special = special_prefixes();
    for (const Row& row : read_table("https/address.table", 3)) {
        CAPTURE(row.line);
        const IpPrefix address = host(row.fields[0]);
        CHECK(why_not_global(address.is_v6, address.octets).value_or("global") == row.fields[1]);
        CHECK(among(address, special) == counts(address));
    }
}

TEST_CASE("special_prefixes: what is not global and no other, whatever the address") {
    const std::vector<IpPrefix> special = special_prefixes();
    std::mt19937 random(16); // NOLINT(bugprone-random-generator-seed): the same each time
    for (int i = 0; i < 20'000; i++) {
        // Near the end of a range, where a fault would be.
        IpPrefix address = special[random() % special.size()];
        address.bits = address.is_v6 ? 128 : 32;
        const unsigned bit = static_cast<unsigned>(random()) % address.bits;
        address.octets[bit / 8] ^= static_cast<std::uint8_t>(0x80U >> bit % 8);
        const unsigned end = static_cast<unsigned>(random()) % address.bits;
        address.octets[end / 8] ^= static_cast<std::uint8_t>(0x80U >> end % 8);
        CAPTURE(address.to_string());
        CHECK(among(address, special) == counts(address));
    }
    for (const IpPrefix& one : special)
        CHECK(std::ranges::count_if(special, [&](const auto& o) { return o.contains(one); }) == 1);
}

TEST_CASE("without: all but the exceptions") {
    const std::vector<IpPrefix> ten{{.is_v6 = false, .octets = {10}, .bits = 8}};
    CHECK(without(ten, {}) == ten);
    CHECK(without(ten, ten).empty());
    const std::vector<IpPrefix> wider{{.is_v6 = false, .octets = {8}, .bits = 6}};
    CHECK(without(ten, wider).empty());
    const std::vector<IpPrefix> six{{.is_v6 = true, .octets = {10}, .bits = 8}};
    CHECK(without(ten, six) == ten);

    const std::vector<IpPrefix> rest = without(ten, std::vector{host("10.0.0.53")});
    CHECK(rest.size() == 24);
    CHECK_FALSE(among(host("10.0.0.53"), rest));
    for (const auto* other : {"10.0.0.52", "10.0.0.54", "10.0.0.0", "10.255.255.255", "10.0.1.53"})
        CHECK(among(host(other), rest));
    CHECK_FALSE(among(host("11.0.0.0"), rest));
}

TEST_CASE("IpPrefix: as text") {
    CHECK(host("192.0.2.1").to_string() == "192.0.2.1/32");
    CHECK(IpPrefix{.is_v6 = true, .octets = {0xfc}, .bits = 7}.to_string() ==
          "fc00:0:0:0:0:0:0:0/7");
    CHECK(host("2001:db8::a:1").to_string() == "2001:db8:0:0:0:0:a:1/128");
}

} // namespace
} // namespace postseal::test
