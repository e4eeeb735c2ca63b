// SPDX-License-Identifier: BSD-3-Clause
#include "engine/maps.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::engine;

TEST_CASE("maps that write alike share a variant") {
    auto config = config::parse("[[map]]\nname = \"mine\"\nno_policy = \"encrypt\"\n", "f").value();
    const Maps maps(config);
    CHECK(maps.variants().size() == 3);
    CHECK(maps.find("postfix") == maps.find("QUERY"));
    CHECK(maps.find("tlsrpt") == maps.find("QUERYwithTLSRPT"));
    CHECK(maps.find("postfix") != maps.find("tlsrpt"));
    REQUIRE(maps.find("mine"));
    CHECK(maps.variants()[*maps.find("mine")].no_policy == "encrypt");
    CHECK_FALSE(maps.find("Postfix"));
    CHECK_FALSE(maps.find(""));
    CHECK(maps.all().size() == 5);
    CHECK(maps.all()[0].first == "postfix");
}
