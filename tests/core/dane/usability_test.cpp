// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/dane/usability.h"

#include "core/dane/hex.h"
#include "support/table.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace postseal::dane {
namespace {

constexpr std::size_t sha256_size = 32;

// The RDATA of the table's first usable record with whole data of that selector.
Tlsa whole(std::uint8_t selector) {
    for (const auto& row : test::read_table("dane/tlsa.table", 4)) {
        auto tlsa = parse_tlsa(test::from_hex(row.fields[0]));
        if (row.fields[1] == "usable" && tlsa->matching_type == 0 && tlsa->selector == selector)
            return *std::move(tlsa);
    }
    return {};
}

} // namespace

TEST_CASE("every record of tlsa.table is usable, or not for the reason it should be") {
    std::size_t cases = 0;
    for (const auto& row : test::read_table("dane/tlsa.table", 4)) {
        cases++;
        if (row.fields[1] == "malformed") continue;
        CAPTURE(row.line);
        CAPTURE(row.fields[3]);
        const auto tlsa = parse_tlsa(test::from_hex(row.fields[0]));
        REQUIRE(tlsa.has_value());
        const auto judged = usable(*tlsa);
        CHECK((judged ? "usable" : judged.error()) == row.fields[1]);
    }
    CHECK(cases >= 60);
}

TEST_CASE("of all headers four take a SHA-256 digest (RFC 7672 section 3.1)") {
    std::size_t count = 0;
    for (int usage = 0; usage < 256; usage++)
        for (int selector = 0; selector < 256; selector++)
            for (const int type : {0, 1, 2, 3, 128, 255})
                count += usable({.usage = static_cast<std::uint8_t>(usage),
                                 .selector = static_cast<std::uint8_t>(selector),
                                 .matching_type = static_cast<std::uint8_t>(type),
                                 .data = std::string(sha256_size, 'd')})
                             ? 1
                             : 0;
    CHECK(count == 4);
}

TEST_CASE("a digest has exactly its length, whatever octets it holds") {
    for (std::size_t size = 0; size <= 130; size++) {
        CAPTURE(size);
        const std::string data(size, '\0');
        CHECK(usable({.usage = 3, .selector = 1, .matching_type = 1, .data = data}).has_value() ==
              (size == 32));
        CHECK(usable({.usage = 2, .selector = 0, .matching_type = 2, .data = data}).has_value() ==
              (size == 64));
    }
}

TEST_CASE("no data is its own reason, whatever the matching type") {
    for (std::uint8_t type = 0; type < 3; type++) {
        const auto judged = usable({.usage = 3, .selector = 1, .matching_type = type, .data = ""});
        REQUIRE_FALSE(judged.has_value());
        CHECK(judged.error() == "no association data");
    }
}

TEST_CASE("DER cut anywhere, or with an octet more, is not usable") {
    for (std::uint8_t selector = 0; selector < 2; selector++) {
        const auto good = whole(selector);
        REQUIRE(usable(good).has_value());
        for (std::size_t size = 0; size < good.data.size(); size++) {
            auto cut = good;
            cut.data.resize(size);
            CAPTURE(size);
            CHECK_FALSE(usable(cut).has_value());
        }
        auto longer = good;
        longer.data += '\0';
        CHECK_FALSE(usable(longer).has_value());
        auto other = good;
        other.selector = selector == 0 ? 1 : 0;
        CHECK_FALSE(usable(other).has_value());
    }
}

TEST_CASE("a set is usable if one of its records is") {
    const Tlsa good{
        .usage = 3, .selector = 1, .matching_type = 1, .data = std::string(sha256_size, 'd')};
    const Tlsa pkix{
        .usage = 1, .selector = 1, .matching_type = 1, .data = std::string(sha256_size, 'd')};
    CHECK_FALSE(any_usable({}));
    CHECK(any_usable(std::vector{good}));
    CHECK_FALSE(any_usable(std::vector{pkix, pkix}));
    CHECK(any_usable(std::vector{pkix, good}));
}

} // namespace postseal::dane
