// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/text.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace postseal {
namespace {

using namespace std::string_view_literals;

TEST_CASE("base/text: printable keeps ASCII and hides every other octet") {
    CHECK(printable("") == "");
    CHECK(printable("mx1.example: SERVFAIL ~!") == "mx1.example: SERVFAIL ~!");
    std::string all;
    for (int c = 0; c < 256; c++)
        all += static_cast<char>(c);
    const std::string shown = printable(all, 256);
    REQUIRE(shown.size() == 256);
    for (std::size_t c = 0; c < 256; c++)
        CHECK(shown[c] == (c >= 0x20 && c <= 0x7e ? static_cast<char>(c) : '?'));
}

TEST_CASE("base/text: clauses, one behind the other") {
    std::string text;
    append_clause(text, "one");
    CHECK(text == "one");
    append_clause(text, "two");
    CHECK(text == "one; two");
}

TEST_CASE("base/text: in quotes") {
    CHECK(in_quotes("") == "\"\"");
    CHECK(in_quotes("a\tb", 3) == "\"a?b\"");
    CHECK(in_quotes("abcdef", 5) == "\"ab...\"");
}

TEST_CASE("base/text: printable cuts at the limit, dots included") {
    CHECK(printable(std::string(200, 'a')) == std::string(200, 'a'));
    CHECK(printable(std::string(201, 'a')) == std::string(197, 'a') + "...");
    CHECK(printable(std::string(100'000, '\n')) == std::string(197, '?') + "...");
    CHECK(printable("abcdef", 6) == "abcdef");
    CHECK(printable("abcdef", 5) == "ab...");
    CHECK(printable("abcdef", 3) == "...");
    CHECK(printable("abcdef", 2) == "..");
    CHECK(printable("abcdef", 0) == "");
    CHECK(printable("", 0) == "");
}

TEST_CASE("base/text: case is folded in ASCII only") {
    CHECK(lower_ascii("AZaz@[`{09\xc3\x9c") == "azaz@[`{09\xc3\x9c");
    CHECK(equals_ignoring_case("ExAmPlE", "eXaMpLe"));
    CHECK(equals_ignoring_case("", ""));
    CHECK_FALSE(equals_ignoring_case("example", "example "));
    CHECK_FALSE(equals_ignoring_case("@", "`"));
    CHECK_FALSE(equals_ignoring_case("[", "{"));
    CHECK_FALSE(equals_ignoring_case("\xc3\x9c", "\xc3\xbc"));
}

TEST_CASE("base/text: trim takes spaces and tabs at the ends, nothing else") {
    CHECK(trim("") == "");
    CHECK(trim(" \t ") == "");
    CHECK(trim("\t a b\t ") == "a b");
    CHECK(trim("a") == "a");
    CHECK(trim("\na\r") == "\na\r");
    CHECK(trim("\0 "sv) == "\0"sv);
}

TEST_CASE("base/text: valid_utf8") {
    for (const auto& row : test::read_table("base/utf8.table", 3)) {
        CAPTURE(row.line);
        REQUIRE((row.fields[1] == "good" || row.fields[1] == "bad"));
        const bool good = row.fields[1] == "good";
        CHECK(valid_utf8(row.fields[0]) == good);
        CHECK(valid_utf8("ab" + row.fields[0] + "\xc3\xbc") == good);
    }
}

TEST_CASE("base/text: a complaint says what it is about, in one line of a bearable length") {
    CHECK(complaint("a\nb", "a blank") == "\"a?b\": a blank");
    CHECK(complaint(std::string(81, 'x'), "too long") ==
          "\"" + std::string(77, 'x') + "...\": too long");
}

TEST_CASE("base/text: digits and letters are those of ASCII, in every locale") {
    std::string digits;
    std::string alphanumerics;
    for (int octet = 0; octet < 256; octet++) {
        const char c = static_cast<char>(octet);
        if (is_digit(c)) digits += c;
        if (is_alphanumeric(c)) alphanumerics += c;
    }
    CHECK(digits == "0123456789");
    CHECK(alphanumerics == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

} // namespace
} // namespace postseal
