// SPDX-License-Identifier: BSD-3-Clause
#include "dns/mx_rdata.h"
#include "support/rdata.h"
#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

namespace postseal::test {
namespace {

std::vector<std::string> mx_set(const std::vector<std::string>& texts) {
    std::vector<std::string> out;
    out.reserve(texts.size());
    for (const std::string& text : texts)
        out.push_back(rdata_of("MX", text));
    return out;
}

TEST_CASE("parse_mx: table") {
    for (const Row& row : read_table("dns/mx_rdata.table", 3)) {
        CAPTURE(row.line);
        const auto record = dns::parse_mx(octets_of_hex(row.fields[0]));
        const std::string got = record
                                    ? fmt::format("{} {}", record->preference,
                                                  record->exchange.empty() ? "." : record->exchange)
                                    : "! " + record.error();
        CHECK(got == row.fields[1]);
    }
}

TEST_CASE("parse_mx: a name of 255 octets is the longest") {
    const std::string label = std::string(1, '\x3f') + std::string(63, 'a');
    const std::string longest =
        label + label + label + std::string(1, '\x3d') + std::string(61, 'b') + '\0';
    REQUIRE(longest.size() == 255);
    CHECK(dns::parse_mx(std::string(2, '\0') + longest));
    const std::string over =
        label + label + label + std::string(1, '\x3e') + std::string(62, 'b') + '\0';
    CHECK(dns::parse_mx(std::string(2, '\0') + over).error() == "a name of more than 255 octets");
}

TEST_CASE("exchanges: by preference, then name; the lower preference of a name counts") {
    const auto set = dns::exchanges(
        mx_set({"20 b.example", "10 c.example", "20 a.example", "30 c.example", "5 b.example"}));
    REQUIRE(set.hosts.size() == 3);
    CHECK(set.hosts[0].host.name() == "b.example");
    CHECK(set.hosts[0].preference == 5);
    CHECK(set.hosts[1].host.name() == "c.example");
    CHECK(set.hosts[1].preference == 10);
    CHECK(set.hosts[2].host.name() == "a.example");
    CHECK_FALSE(set.null_mx);
    CHECK(set.addresses == 0);
    CHECK(set.wildcards == 0);
}

TEST_CASE("exchanges: any name that Postfix would use is a host, an address is counted once") {
    const auto set = dns::exchanges(
        mx_set({"10 a_b.example", "20 a_b.example", "10 192.0.2.1", "20 192.0.2.1", "30 mx.example",
                "40 _mx", "50 mx.123", "60 xn--0.example", "10 ."}));
    CHECK(set.addresses == 1);
    CHECK(set.wildcards == 0);
    std::string names;
    for (const auto& exchange : set.hosts)
        names += exchange.host.name() + " ";
    CHECK(names == "a_b.example mx.example _mx mx.123 xn--0.example ");
    CHECK_FALSE(set.null_mx);
}

TEST_CASE("exchanges: what Postfix refuses is left out, what it takes for a name is not") {
    const std::vector<std::string> octets{
        std::string("\0\12\3-mx\1a\0", 9), // a hyphen first
        std::string("\0\12\3mx-\1a\0", 9), // and last
        std::string("\0\12\3m*x\1a\0", 9),
        std::string("\0\12\1*\1a\0", 7), // the wildcard of a zone
    };
    const auto set = dns::exchanges(octets);
    CHECK(set.hosts.empty());
    CHECK(set.wildcards == 1);
}

TEST_CASE("exchanges: null MX only if nothing else is there") {
    CHECK(dns::exchanges(mx_set({"0 ."})).null_mx);
    CHECK(dns::exchanges(mx_set({"0 .", "10 ."})).null_mx);
    CHECK_FALSE(dns::exchanges(mx_set({"0 .", "10 mx.example"})).null_mx);
    CHECK_FALSE(dns::exchanges({}).null_mx);
    CHECK_FALSE(dns::exchanges(std::vector<std::string>{"x"}).null_mx);
}

} // namespace
} // namespace postseal::test
