// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/domain.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <unicode/uvernum.h>

#include <algorithm>
#include <optional>
#include <string>

namespace postseal {
namespace {

std::string fault_name(DomainFault fault) {
    switch (fault) {
    case DomainFault::empty:
        return "!empty";
    case DomainFault::too_long:
        return "!too_long";
    case DomainFault::bad_label:
        return "!bad_label";
    case DomainFault::bad_idna:
        return "!bad_idna";
    case DomainFault::address:
        return "!address";
    }
    return "!";
}

std::string outcome(std::string_view text) {
    const auto domain = Domain::parse(text);
    return domain ? domain->name() : fault_name(domain.error().fault);
}

// `labels` labels of `length` letters and a dot each, without the last dot.
std::string long_name(std::size_t labels, std::size_t length) {
    std::string out;
    for (std::size_t i = 0; i < labels; i++)
        out += std::string(length, 'a') + '.';
    out.pop_back();
    return out;
}

TEST_CASE("base/domain: the table") {
    for (const auto& row : test::read_table("base/domain.table", 3)) {
        CAPTURE(row.line);
        CHECK(outcome(row.fields[0]) == row.fields[1]);
    }
}

// What Postfix with the ICU that we have makes of the label; nothing: the table knows other ones
// only, and they differ.
std::optional<std::string> by_postfix(const test::Row& row) {
    const std::string& by_72 = row.fields[1];
    const std::string& by_76 = row.fields[2].empty() ? by_72 : row.fields[2];
    const std::string& by_78 = row.fields[3].empty() ? by_76 : row.fields[3];
    if (U_ICU_VERSION_MAJOR_NUM == 72) return by_72;
    if (U_ICU_VERSION_MAJOR_NUM == 76) return by_76;
    if (U_ICU_VERSION_MAJOR_NUM == 78) return by_78;
    if (by_72 == by_78) return by_72;
    return std::nullopt;
}

TEST_CASE("base/domain: a U-label becomes the name that Postfix looks up") {
    std::size_t accepted = 0;
    std::size_t refused = 0;
    for (const auto& row : test::read_table("base/u_label.table", 5)) {
        CAPTURE(row.line);
        const auto label = by_postfix(row);
        if (!label) continue;
        const std::string got = outcome(row.fields[0] + ".nowhere.example");
        if (*label == "!") {
            refused++;
            CHECK(got.starts_with("!"));
        } else {
            accepted++;
            CHECK(got == *label + ".nowhere.example");
        }
    }
    CHECK(accepted >= 200);
    CHECK(refused >= 40);
}

TEST_CASE("base/domain: a parsed name parses to itself") {
    for (const auto& row : test::read_table("base/domain.table", 3)) {
        const auto domain = Domain::parse(row.fields[0]);
        if (!domain) continue;
        CAPTURE(row.line);
        CHECK(Domain::parse(domain->name()) == domain);
        CHECK(Domain::parse(domain->name() + ".") == domain);
    }
}

TEST_CASE("base/domain: an error says one printable clause") {
    for (const auto& row : test::read_table("base/domain.table", 3)) {
        const auto domain = Domain::parse(row.fields[0]);
        if (domain) continue;
        CAPTURE(row.line);
        const std::string& text = domain.error().text;
        CHECK_FALSE(text.empty());
        CHECK(text.size() <= 200);
        CHECK(std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; }));
    }
}

TEST_CASE("base/domain: 253 octets, not one more (RFC 1035 section 2.3.4)") {
    const std::string most = long_name(3, 63) + "." + std::string(61, 'b');
    REQUIRE(most.size() == 253);
    CHECK(outcome(most) == most);
    CHECK(outcome(most + ".") == most);
    CHECK(outcome(most + "b") == "!too_long");
    CHECK(outcome(long_name(127, 1)) == long_name(127, 1));
    CHECK(outcome(long_name(128, 1)) == "!too_long");
    CHECK(outcome(most.substr(0, 249) + ".\xc3\xbc") == "!too_long"); // 258 as an A-label
    CHECK(outcome(std::string(1025, 'a')) == "!too_long");
    CHECK(outcome(std::string(10'000, '\xff')) == "!too_long");
}

TEST_CASE("base/domain: text over 253 octets may map to a shorter name") {
    std::string soft;
    for (int i = 0; i < 200; i++)
        soft += "\xc2\xad";
    CHECK(outcome("ab" + soft + "cd.example") == "abcd.example");
}

TEST_CASE("base/domain: with_prefix") {
    const auto domain = Domain::parse("Example.COM.");
    REQUIRE(domain);
    CHECK(domain->with_prefix("_mta-sts") == "_mta-sts.example.com");
    CHECK(domain->with_prefix("mta-sts") == "mta-sts.example.com");
}

TEST_CASE("base/domain: at a zone or below it, by whole labels") {
    CHECK(is_at_or_below("example.com", "example.com"));
    CHECK(is_at_or_below("mx.example.com", "example.com"));
    CHECK(is_at_or_below("example.com", ""));
    CHECK(is_at_or_below("", ""));
    CHECK_FALSE(is_at_or_below("mxexample.com", "example.com"));
    CHECK_FALSE(is_at_or_below("com", "example.com"));
    CHECK_FALSE(is_at_or_below("", "com"));
}

TEST_CASE("base/domain: equal names are equal, ordered and hashed alike") {
    const auto a = Domain::parse("a.example");
    const auto same = Domain::parse("A.EXAMPLE.");
    const auto b = Domain::parse("b.example");
    REQUIRE((a && same && b));
    CHECK(*a == *same);
    CHECK(std::hash<Domain>()(*a) == std::hash<Domain>()(*same));
    CHECK(*a < *b);
}

} // namespace
} // namespace postseal
