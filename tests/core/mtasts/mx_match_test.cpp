// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/mtasts/mx_match.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <string_view>

namespace postseal::mtasts {

TEST_CASE("every pattern of mx_match.table matches, does not match, or is none") {
    for (const auto& row : test::read_table("mtasts/mx_match.table", 5)) {
        CAPTURE(row.line);
        CAPTURE(row.fields[4]);
        const auto pattern = MxPattern::parse(row.fields[0]);
        if (row.fields[2] == "bad") {
            REQUIRE_FALSE(pattern.has_value());
            CHECK_FALSE(pattern.error().text.empty());
            continue;
        }
        REQUIRE(pattern.has_value());
        const auto host = Domain::parse(row.fields[1]);
        REQUIRE(host.has_value());
        CHECK(pattern->matches(*host) == (row.fields[2] == "yes"));
        CHECK(MxPattern::parse(pattern->text()) == *pattern);
    }
}

TEST_CASE("text() writes the pattern in lower case") {
    CHECK(MxPattern::parse("MX.Example.COM")->text() == "mx.example.com");
    CHECK(MxPattern::parse("*.Example.COM")->text() == "*.example.com");
}

TEST_CASE("a pattern's fault is of the kind that Domain names") {
    const auto fault = [](std::string_view text) { return MxPattern::parse(text).error().fault; };
    CHECK(fault("") == DomainFault::empty);
    CHECK(fault("*.") == DomainFault::empty);
    CHECK(fault("*") == DomainFault::bad_label);
    CHECK(fault("mx.example.com.") == DomainFault::bad_label);
    CHECK(fault("mx.ex\xc3\xa4mple.com") == DomainFault::bad_idna);
    CHECK(fault("192.0.2.1") == DomainFault::address);
}

} // namespace postseal::mtasts
