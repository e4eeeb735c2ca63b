// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/dane/certificate_der.h"

#include "core/dane/hex.h"
#include "support/table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postseal::dane {
namespace {

struct Case {
    std::size_t line = 0;
    std::string certificate;
    std::string key; // empty: none is found
};

std::vector<Case> cases() {
    std::vector<Case> out;
    for (const auto& row : test::read_table("dane/certificate.table", 4))
        out.push_back({.line = row.line,
                       .certificate = test::from_hex(row.fields[0]),
                       .key = row.fields[1] == "-" ? "" : test::from_hex(row.fields[1])});
    return out;
}

TEST_CASE("dane/certificate_der: the key of each certificate of the table") {
    for (const auto& c : cases()) {
        CAPTURE(c.line);
        CHECK(public_key_of(c.certificate).value_or("") == c.key);
    }
}

TEST_CASE("dane/certificate_der: what is signed is one whole SEQUENCE, and has the key in it") {
    for (const auto& c : cases()) {
        CAPTURE(c.line);
        const auto part = signed_part_of(c.certificate);
        if (c.key.empty()) continue;
        REQUIRE(part.has_value());
        CHECK(part->front() == 0x30);
        CHECK(part->contains(c.key));
        CHECK(c.certificate.contains(*part));
    }
}

TEST_CASE("dane/certificate_der: cut anywhere, or with an octet more, it is not a certificate") {
    for (const auto& c : cases()) {
        if (c.key.empty()) continue;
        CAPTURE(c.line);
        for (std::size_t size = 0; size < c.certificate.size(); size++)
            REQUIRE_FALSE(public_key_of(c.certificate.substr(0, size)).has_value());
        CHECK_FALSE(public_key_of(c.certificate + '\0').has_value());
        CHECK_FALSE(signed_part_of(c.certificate + '\0').has_value());
    }
}

} // namespace
} // namespace postseal::dane
