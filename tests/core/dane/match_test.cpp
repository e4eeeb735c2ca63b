// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/dane/match.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace postseal::dane {
namespace {

std::string element(char tag, const std::string& contents) {
    return std::string{tag, static_cast<char>(contents.size())} + contents;
}

// Enough of DER to be usable, and another for each name.
std::string whole(const std::string& name, std::size_t selector) {
    const std::string algorithm = element(0x30, element(0x06, "\x2a"));
    const std::string bits = element(0x03, std::string("\0x", 2));
    const std::string named = element(0x30, element(0x06, name) + bits);
    if (selector == 0) return element(0x30, named + algorithm + bits);
    return element(0x30, element(0x30, element(0x06, name)) + bits);
}

std::string digest(const std::string& name, std::size_t selector, std::size_t size) {
    std::string text = fmt::format("{} {}", name, selector);
    text.resize(size, '.');
    return text;
}

std::string data(const std::string& name, std::size_t selector, std::size_t type) {
    if (name == "short") return "short";
    return type == 0 ? whole(name, selector) : digest(name, selector, type == 1 ? 32 : 64);
}

std::vector<Associations> chain_of(const std::string& text) {
    std::vector<Associations> chain;
    std::istringstream words(text);
    for (std::string name; words >> name;) {
        Associations& one = chain.emplace_back();
        for (std::size_t selector = 0; selector < 2; selector++)
            for (std::size_t type = 0; type < 3; type++)
                one.data.at(selector).at(type) = data(name, selector, type);
    }
    return chain;
}

std::vector<Tlsa> records_of(const std::string& text) {
    std::vector<Tlsa> records;
    std::istringstream list(text);
    for (std::string item; std::getline(list, item, ',');) {
        std::istringstream words(item);
        unsigned usage = 0;
        unsigned selector = 0;
        unsigned type = 0;
        std::string name;
        REQUIRE((words >> usage >> selector >> type >> name));
        records.push_back({.usage = static_cast<std::uint8_t>(usage),
                           .selector = static_cast<std::uint8_t>(selector),
                           .matching_type = static_cast<std::uint8_t>(type),
                           .data = data(name, selector, type)});
    }
    return records;
}

std::string shown(const std::vector<RecordMatch>& matches) {
    std::vector<std::string> out;
    out.reserve(matches.size());
    for (const RecordMatch& match : matches) {
        const bool matched = match.result == RecordMatch::Result::matched;
        out.push_back(matched ? fmt::format("matched {}", match.depth)
                              : std::string(to_string(match.result)));
    }
    return fmt::format("{}", fmt::join(out, ", "));
}

TEST_CASE("dane/match: the table") {
    std::size_t cases = 0;
    for (const auto& row : test::read_table("dane/match.table", 5)) {
        CAPTURE(row.line);
        const auto matches = match(records_of(row.fields[1]), chain_of(row.fields[0]));
        CHECK(shown(matches) == row.fields[2]);
        cases++;
    }
    CHECK(cases > 30);
}

TEST_CASE("dane/match: what does not count says why") {
    const auto matches = match(records_of("3 1 1 leaf, 3 1 2 leaf, 1 1 1 leaf"), chain_of("leaf"));
    REQUIRE(matches.size() == 3);
    CHECK(matches[0].reason == "beside 3 1 2 its digest does not count");
    CHECK(matches[1].reason.empty());
    CHECK(matches[2].reason == "certificate usage 1 is not for SMTP");
}

} // namespace
} // namespace postseal::dane
