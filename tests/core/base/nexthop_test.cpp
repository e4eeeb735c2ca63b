// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/nexthop.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace postseal {
namespace {

std::string fault_name(NexthopFault fault) {
    switch (fault) {
    case NexthopFault::empty:
        return "!empty";
    case NexthopFault::parent_domain:
        return "!parent_domain";
    case NexthopFault::address:
        return "!address";
    case NexthopFault::path:
        return "!path";
    case NexthopFault::not_a_host:
        return "!not_a_host";
    case NexthopFault::bad_port:
        return "!bad_port";
    }
    return "!";
}

TEST_CASE("base/nexthop: the table") {
    for (const auto& row : test::read_table("base/nexthop.table", 3)) {
        CAPTURE(row.line);
        const auto nexthop = Nexthop::parse(row.fields[0]);
        CHECK((nexthop ? nexthop->key() : fault_name(nexthop.error().fault)) == row.fields[1]);
    }
}

TEST_CASE("base/nexthop: a canonical key parses to the same nexthop") {
    for (const auto& row : test::read_table("base/nexthop.table", 3)) {
        const auto nexthop = Nexthop::parse(row.fields[0]);
        if (!nexthop) continue;
        CAPTURE(row.line);
        CHECK(Nexthop::parse(nexthop->key()) == nexthop);
    }
}

TEST_CASE("base/nexthop: an error says one printable clause") {
    for (const auto& row : test::read_table("base/nexthop.table", 3)) {
        const auto nexthop = Nexthop::parse(row.fields[0]);
        if (nexthop) continue;
        CAPTURE(row.line);
        const std::string& text = nexthop.error().text;
        CHECK_FALSE(text.empty());
        CHECK(text.size() <= 200);
        CHECK(std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; }));
    }
    const auto huge = Nexthop::parse("example.com:" + std::string(9'000, '9'));
    REQUIRE_FALSE(huge);
    CHECK(huge.error().fault == NexthopFault::bad_port);
    CHECK(huge.error().text.size() <= 200);
}

TEST_CASE("base/nexthop: addresses") {
    for (const auto& row : test::read_table("base/address.table", 3)) {
        CAPTURE(row.line);
        CHECK_FALSE((Nexthop::parse(row.fields[0]) && Nexthop::parse_address(row.fields[0])));
        const auto nexthop = Nexthop::parse_address(row.fields[0]);
        CHECK((nexthop ? nexthop->key() : fault_name(nexthop.error().fault)) == row.fields[1]);
        if (!nexthop) continue;
        CHECK(nexthop->is_address);
        CHECK(Nexthop::parse_address(nexthop->key()) == nexthop);
        CHECK(Nexthop::parse(row.fields[0]).error().fault == NexthopFault::address);
        CHECK(Nexthop::parse_destination(row.fields[0]) == nexthop);
    }
}

TEST_CASE("base/nexthop: a destination is a nexthop or an address") {
    for (const char* key : {"example.com", "[mx.example.com]:587", "example.com:smtp"})
        CHECK(Nexthop::parse_destination(key) == Nexthop::parse(key));
    // What is neither: why it is not a nexthop, or how an address is written.
    CHECK(Nexthop::parse_destination(".example.com").error().fault == NexthopFault::parent_domain);
    for (const char* key : {"192.0.2.256", "2001:db8::1", "a.123"}) {
        CAPTURE(key);
        CHECK(Nexthop::parse_destination(key).error().text ==
              Nexthop::parse_address(key).error().text);
    }
}

TEST_CASE("base/nexthop: the parts") {
    const auto plain = Nexthop::parse("Example.com.");
    REQUIRE(plain);
    CHECK(plain->domain.name() == "example.com");
    CHECK_FALSE(plain->literal_host);
    CHECK(plain->port == 25);

    const auto host = Nexthop::parse("[MX.example.com]:submission");
    REQUIRE(host);
    CHECK(host->domain.name() == "mx.example.com");
    CHECK(host->literal_host);
    CHECK(host->port == 587);
}

TEST_CASE("base/nexthop: brackets and port make another nexthop") {
    CHECK(Nexthop::parse("mx.example.com") != Nexthop::parse("[mx.example.com]"));
    CHECK(Nexthop::parse("mx.example.com") != Nexthop::parse("mx.example.com:587"));
    CHECK(Nexthop::parse("mx.example.com") == Nexthop::parse("MX.example.com.:smtp"));
}

} // namespace
} // namespace postseal
