// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/verdict/postfix_policy.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <string_view>

using namespace postseal::verdict;

namespace {

std::string told(const std::expected<PostfixPolicy, std::string>& read) {
    if (!read) return "! " + read.error();
    std::string out = read->level;
    for (const auto& [name, value] : read->attributes)
        out += fmt::format(" [{}={}]", name, value);
    return out;
}

void check(std::string_view text, Form form, std::string_view expected) {
    CAPTURE(to_string(form));
    const std::string got = told(read_postfix_policy(text, form));
    if (!expected.starts_with("! ")) {
        CHECK(got == expected);
        return;
    }
    CAPTURE(got);
    CHECK(got.starts_with("! "));
    CHECK(got.find(expected.substr(2)) != std::string::npos);
}

} // namespace

TEST_CASE("texts are read as Postfix 3.7 and 3.10 read them") {
    const auto rows = postseal::test::read_table("verdict/postfix_policy.table", 4);
    CHECK(rows.size() >= 60);
    for (const auto& row : rows) {
        CAPTURE(row.line);
        const auto& [text, legacy, tlsrpt] = std::tie(row.fields[0], row.fields[1], row.fields[2]);
        check(text, Form::legacy, legacy);
        check(text, Form::tlsrpt, tlsrpt == "same" ? legacy : tlsrpt);
    }
}

TEST_CASE("a text is as long as a socketmap reply at most") {
    std::string text = "secure match=";
    text.append(max_reply_text - text.size(), 'a');
    CHECK(read_postfix_policy(text, Form::legacy).has_value());
    text += 'a';
    CHECK_FALSE(read_postfix_policy(text, Form::legacy).has_value());
}

TEST_CASE("a complaint is printable whatever the text") {
    const auto read = read_postfix_policy("secure \x01\x1b[31m\xc3\xa9=x", Form::legacy);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error() == "unknown attribute ??[31m??");
}
