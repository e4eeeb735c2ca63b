// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/mtasts/policy.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::mtasts {
namespace {

std::string name(PolicyFault fault) {
    switch (fault) {
    case PolicyFault::too_large:
        return "too_large";
    case PolicyFault::bad_text:
        return "bad_text";
    case PolicyFault::blank_line:
        return "blank_line";
    case PolicyFault::bad_field:
        return "bad_field";
    case PolicyFault::no_version:
        return "no_version";
    case PolicyFault::bad_version:
        return "bad_version";
    case PolicyFault::no_mode:
        return "no_mode";
    case PolicyFault::bad_mode:
        return "bad_mode";
    case PolicyFault::no_max_age:
        return "no_max_age";
    case PolicyFault::bad_max_age:
        return "bad_max_age";
    case PolicyFault::no_mx:
        return "no_mx";
    case PolicyFault::bad_mx:
        return "bad_mx";
    }
    return "?";
}

// As the table writes it: mode, max_age and patterns, or the fault and its line.
std::string shown(const std::expected<Policy, PolicyError>& policy) {
    if (!policy) return fmt::format("{}:{}", name(policy.error().fault), policy.error().line);
    std::string text = fmt::format("{} {}", to_string(policy->mode), policy->max_age.count());
    for (const auto& mx : policy->mx)
        text += " " + mx.text();
    for (const auto& mx : policy->mx_without_host)
        text += " !" + mx;
    return text;
}

constexpr std::string_view plain =
    "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400";

} // namespace

TEST_CASE("every text of policy.table is the policy or the fault it should be") {
    const auto rows = test::read_table("mtasts/policy.table", 4);
    CHECK(rows.size() >= 70);
    for (const auto& row : rows) {
        CAPTURE(row.line);
        CAPTURE(row.fields[3]);
        const auto policy = parse_policy(row.fields[0]);
        CHECK(shown(policy) == row.fields[1]);
        if (policy) {
            CHECK(parse_policy(fmt::format("{}", fmt::join(policy->lines, "\n"))) == *policy);
        } else {
            CHECK_FALSE(policy.error().text.empty());
        }
    }
}

TEST_CASE("the 118 shapes of mta-sts.txt that are no policy, as they are published") {
    const auto rows = test::read_table("mtasts/shapes.table", 3);
    CHECK(rows.size() == 118);
    for (const auto& row : rows) {
        CAPTURE(row.line);
        CAPTURE(row.fields[2]);
        CHECK(shown(parse_policy(row.fields[0])) == row.fields[1]);
    }
}

TEST_CASE("lines are the file's, without line ends and trailing white space") {
    const auto policy = parse_policy("version: STSv1 \r\nmode:enforce\t\n mx: a\n");
    CHECK_FALSE(policy.has_value());
    const auto kept = parse_policy("version:  STSv1 \t\r\nmode:enforce\t\nmx: MX.Example.com\n"
                                   "x-note: caf\xc3\xa9 {open}\r\nmode: none\nmax_age: 1\r\n\r\n");
    REQUIRE(kept.has_value());
    CHECK(kept->lines ==
          std::vector<std::string>{"version:  STSv1", "mode:enforce", "mx: MX.Example.com",
                                   "x-note: caf\xc3\xa9 {open}", "mode: none", "max_age: 1"});
}

TEST_CASE("LF, CRLF, a mixture, and no line end at the end are one policy") {
    const auto policy = parse_policy(plain);
    REQUIRE(policy.has_value());
    std::string crlf;
    for (const char c : plain)
        crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
    auto mixed = crlf;
    mixed.erase(mixed.find('\r'), 1);
    for (const auto& text : {crlf, mixed, crlf + "\r\n", std::string(plain) + "\n", crlf + "\n"})
        CHECK(parse_policy(text) == *policy);
}

TEST_CASE("64 KiB is a policy, one octet more is none (RFC 8461 section 3.3)") {
    std::string text = std::string(plain) + "\npad: ";
    text.resize(max_policy_size, 'x');
    CHECK(shown(parse_policy(text)) == "enforce 86400 mx.example.com");
    text += 'x';
    CHECK(shown(parse_policy(text)) == "too_large:0");
}

TEST_CASE("an octet that is not a text is found on its line, whichever it is") {
    for (int octet = 0; octet < 256; octet++) {
        CAPTURE(octet);
        const auto c = static_cast<char>(octet);
        const auto policy = parse_policy(std::string(plain) + "\nkey: a" + c + "b");
        const bool text = (octet >= 0x20 && octet < 0x7f);
        if (c == '\n')
            CHECK(shown(policy) == "bad_field:6"); // a line "b"
        else if (c == '\t')
            CHECK(shown(policy) == "bad_field:5"); // white space, but not inside a value
        else
            CHECK(shown(policy) == (text ? "enforce 86400 mx.example.com" : "bad_text:5"));
        if (!policy) {
            CHECK(std::ranges::all_of(policy.error().text, [](char shown_c) {
                return shown_c >= ' ' && shown_c <= '~';
            }));
        }
    }
}

TEST_CASE("every prefix of a policy is the policy, another one, or a fault within it") {
    const std::string text = std::string(plain) + "\r\n\r\n";
    for (std::size_t size = 0; size <= text.size(); size++) {
        CAPTURE(size);
        const auto policy = parse_policy(std::string_view(text).substr(0, size));
        if (policy)
            CHECK(policy->mx.size() == 1);
        else
            CHECK(policy.error().line <= 5);
    }
}

TEST_CASE("a host is the policy's if any of its patterns matches (RFC 8461 section 4.1)") {
    const auto policy = parse_policy("version: STSv1\nmode: testing\nmx: mx.example.com\n"
                                     "mx: *.example.net\nmax_age: 1\n");
    REQUIRE(policy.has_value());
    const auto in_policy = [&](std::string_view host) {
        return matches(*policy, Domain::parse(host).value());
    };
    CHECK(in_policy("mx.example.com"));
    CHECK(in_policy("MX.Example.Com"));
    CHECK(in_policy("a.example.net"));
    CHECK_FALSE(in_policy("a.example.com"));
    CHECK_FALSE(in_policy("example.net"));
    CHECK_FALSE(in_policy("a.b.example.net"));
    CHECK_FALSE(matches(Policy{}, Domain::parse("mx.example.com").value()));
}

TEST_CASE("an mx that is not a host name fits none, whatever the other lines fit") {
    const auto policy = parse_policy("version: STSv1\nmode: enforce\nmx: 192.0.2.1\n"
                                     "mx: m\xc3\xa4x.example.com\nmax_age: 1\n");
    REQUIRE(policy.has_value());
    CHECK(policy->mx_without_host == std::vector<std::string>{"192.0.2.1"});
    CHECK(policy->mx_converted == std::vector<std::string>{"m\xc3\xa4x.example.com"});
    CHECK(matches(*policy, Domain::parse("m\xc3\xa4x.example.com").value()));
    CHECK_FALSE(matches(*policy, Domain::parse("mx.example.com").value()));
}

TEST_CASE("modes are written as the policy file writes them") {
    CHECK(to_string(Mode::none) == "none");
    CHECK(to_string(Mode::testing) == "testing");
    CHECK(to_string(Mode::enforce) == "enforce");
}

} // namespace postseal::mtasts
