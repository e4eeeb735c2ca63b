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
    CHECK(set.nameless == 0);
}

TEST_CASE("exchanges: what Postfix would use and no Domain can be is counted once") {
    const auto set = dns::exchanges(
        mx_set({"10 a_b.example", "20 a_b.example", "10 192.0.2.1", "10 mx.example", "10 ."}));
    CHECK(set.nameless == 2);
    CHECK(set.hosts.size() == 1);
    CHECK_FALSE(set.null_mx);
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
