// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/dane/tlsa.h"

#include "core/dane/hex.h"
#include "support/table.h"

#include <doctest/doctest.h>

#include <string>

namespace postseal::dane {

TEST_CASE("RDATA of tlsa.table is a record unless it is malformed, and nothing of it is lost") {
    for (const auto& row : test::read_table("dane/tlsa.table", 4)) {
        CAPTURE(row.line);
        CAPTURE(row.fields[3]);
        const auto rdata = test::from_hex(row.fields[0]);
        const auto tlsa = parse_tlsa(rdata);
        CHECK(tlsa.has_value() == (row.fields[1] != "malformed"));
        if (!tlsa) {
            CHECK_FALSE(tlsa.error().empty());
            continue;
        }
        const std::string again{static_cast<char>(tlsa->usage), static_cast<char>(tlsa->selector),
                                static_cast<char>(tlsa->matching_type)};
        CHECK(again + tlsa->data == rdata);
    }
}

TEST_CASE("fields above 127 keep their value") {
    const auto tlsa = parse_tlsa(test::from_hex("ff 80 c8 ff00"));
    REQUIRE(tlsa.has_value());
    CHECK(
        *tlsa ==
        Tlsa{.usage = 255, .selector = 128, .matching_type = 200, .data = test::from_hex("ff00")});
    CHECK(to_string(*tlsa) == "255 128 200 ff00");
}

TEST_CASE("the presentation form is RFC 6698 section 2.2's, long data cut") {
    const auto shown = [](std::size_t size) {
        return to_string(
            Tlsa{.usage = 3, .selector = 1, .matching_type = 2, .data = std::string(size, '\x0a')});
    };
    const auto digits = [](std::size_t octets) {
        std::string text;
        while (octets-- > 0)
            text += "0a";
        return text;
    };
    CHECK(shown(0) == "3 1 2 ");
    CHECK(shown(1) == "3 1 2 0a");
    CHECK(shown(32) == "3 1 2 " + digits(32));
    CHECK(shown(40) == "3 1 2 " + digits(40));
    CHECK(shown(41) == "3 1 2 " + digits(40) + "...");
    CHECK(shown(65'532) == "3 1 2 " + digits(40) + "...");
}

} // namespace postseal::dane
