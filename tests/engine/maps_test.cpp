// SPDX-License-Identifier: BSD-3-Clause
#include "engine/maps.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::engine;

TEST_CASE("maps that write alike share a variant") {
    auto config = config::parse("[[map]]\nname = \"mine\"\nno_policy = \"encrypt\"\n", "f").value();
    const Maps maps(config);
    CHECK(maps.variants().size() == 4);
    CHECK(maps.verdicts().size() == 1);
    CHECK(maps.find("postfix") == maps.find("QUERY"));
    CHECK(maps.find("tlsrpt") == maps.find("QUERYwithTLSRPT"));
    CHECK(maps.find("postfix") != maps.find("tlsrpt"));
    REQUIRE(maps.find("mine"));
    CHECK(maps.variants()[*maps.find("mine")].reply.no_policy == "encrypt");
    CHECK_FALSE(maps.find(""));
    CHECK(maps.all().size() == 6);
    CHECK(maps.all()[0].first == "postfix");
    CHECK(maps.names() == "postfix, QUERY, tlsrpt, QUERYwithTLSRPT, requiretls, mine");
    CHECK_FALSE(maps.delegation());
    CHECK_FALSE(maps.tcp_table("postfix"));
}

TEST_CASE("a map's name is the same in any case") {
    const auto config = config::parse(R"(
[[listen]]
address = "inet:127.0.0.1:1"
protocol = "tcp_table"
maps = ["TLSRPT"]
[[map]]
name = "Mine"
no_policy = "encrypt"
)",
                                      "f")
                            .value();
    const Maps maps(config);
    for (const char* name : {"query", "Query", "QUERY", "POSTFIX"})
        CHECK_MESSAGE(maps.find(name) == maps.find("postfix"), name);
    for (const char* name : {"querywithtlsrpt", "QueryWithTLSRPT", "TLSRPT"})
        CHECK_MESSAGE(maps.find(name) == maps.find("tlsrpt"), name);
    CHECK(maps.find("RequireTLS") == maps.find("requiretls"));
    REQUIRE(maps.find("mine"));
    CHECK(maps.find("mine") == maps.find("MINE"));
    REQUIRE(maps.tcp_table("TLSRPT"));
    CHECK(maps.tcp_table("tlsrpt") == maps.tcp_table("TLSRPT"));
    CHECK_FALSE(maps.find("quer"));
    CHECK_FALSE(maps.find("qu\xe9ry"));
}

TEST_CASE("maps that judge alike share a verdict, the first is that of [verdict]") {
    const auto config = config::parse(R"(
[verdict]
mixed = "dane"
[[map]]
name = "lab"
testing = "enforce"
[[map]]
name = "lab-tlsrpt"
form = "tlsrpt"
testing = "enforce"
[[map]]
name = "as-ever"
mixed = "mta-sts"
)",
                                      "f")
                            .value();
    const Maps maps(config);
    const auto judged = [&](const char* map) {
        return maps.variants()[maps.find(map).value()].verdict;
    };
    REQUIRE(maps.verdicts().size() == 3);
    CHECK(maps.verdicts()[0] == config.verdict);
    CHECK(judged("postfix") == 0);
    CHECK(judged("requiretls") == 0);
    CHECK(judged("lab") == judged("lab-tlsrpt"));
    CHECK(maps.verdicts()[judged("lab")] ==
          verdict::Options{.mixed = verdict::Mixed::dane, .testing = verdict::Testing::enforce});
    CHECK(maps.verdicts()[judged("as-ever")] == verdict::Options{});
}

TEST_CASE("listeners for tcp_table and delegation have variants of their own") {
    const auto config = config::parse(R"(
[[listen]]
address = "inet:127.0.0.1:1"
protocol = "tcp_table"
[[listen]]
address = "inet:127.0.0.1:2"
protocol = "tcp_table"
maps = ["tlsrpt"]
[[listen]]
address = "inet:127.0.0.1:3"
protocol = "delegation"
[[listen]]
address = "inet:127.0.0.1:4"
protocol = "delegation"
)",
                                      "f")
                            .value();
    const Maps maps(config);
    CHECK(maps.variants().size() == 6);
    REQUIRE(maps.tcp_table("postfix"));
    CHECK(maps.tcp_table("postfix") != maps.find("postfix"));
    const Variant& variant = maps.variants()[maps.tcp_table("tlsrpt").value()];
    CHECK(variant.reply.form == verdict::Form::tlsrpt);
    CHECK(variant.reply.coding == verdict::Coding::percent);
    CHECK(variant.reply.limit == 4091);
    CHECK_FALSE(maps.tcp_table("QUERY"));
    CHECK(maps.delegation());
}

TEST_CASE("what is not a nexthop has an answer in each protocol") {
    const auto config = config::parse(R"(
[[listen]]
address = "inet:127.0.0.1:1"
protocol = "tcp_table"
[[listen]]
address = "inet:127.0.0.1:3"
protocol = "delegation"
[[map]]
name = "postfix"
no_policy = "encrypt"
[delegation]
may = "REJECT no promise"
)",
                                      "f")
                            .value();
    const Maps maps(config);
    const cache::Replies& wire = maps.no_nexthop_wire();
    CHECK(wire.size() == maps.variants().size());
    CHECK(wire[maps.find("postfix").value()] == "9:NOTFOUND ,");
    CHECK(wire[maps.find("requiretls").value()] == "25:OK opportunistic+starttls,");
    CHECK(wire[maps.tcp_table("postfix").value()] == "500 no%20policy\n");
    CHECK(wire[maps.delegation().value()] == "action=DUNNO\n\n");
}
