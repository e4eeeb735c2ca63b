// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/smtp_reply.h"

#include "stream.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

namespace postseal::wire {
namespace {

smtp::Reply reply_of(std::string_view octets) {
    smtp::Scan found = smtp::scan(octets);
    REQUIRE(found.status == Status::frame);
    REQUIRE(found.consumed == octets.size());
    return std::move(found.reply);
}

std::string lines(std::size_t count) {
    std::string out;
    for (std::size_t i = 1; i < count; i++)
        out += "250-x\r\n";
    return out + "250 x\r\n";
}

TEST_CASE("wire/smtp_reply: the table, whole and cut at every octet boundary") {
    check_streams("wire/smtp_reply.table", smtp::scan, [](const smtp::Scan& scan) {
        return fmt::format("{}:{}", scan.reply.code, fmt::join(scan.reply.lines, "/"));
    });
}

TEST_CASE("wire/smtp_reply: a hundred lines and no more") {
    CHECK(reply_of(lines(smtp::max_lines)).lines.size() == smtp::max_lines);
    const auto found = smtp::scan(lines(smtp::max_lines + 1));
    CHECK(found.status == Status::malformed);
    CHECK(std::string(found.fault) == "too many lines");
}

TEST_CASE("wire/smtp_reply: what EHLO offers") {
    const auto ehlo = reply_of("250-STARTTLS\r\n250-SIZE 1000\r\n250-StartTLS\r\n250 AUTH X\r\n");
    CHECK(smtp::offers(ehlo, "STARTTLS"));
    CHECK(smtp::offers(ehlo, "SIZE"));
    CHECK(smtp::offers(ehlo, "auth"));
    CHECK_FALSE(smtp::offers(ehlo, "AUT"));
    // The first line is the server's name (section 4.1.1.1), whatever it looks like.
    CHECK_FALSE(smtp::offers(reply_of("250 STARTTLS\r\n"), "STARTTLS"));
    CHECK_FALSE(smtp::offers(smtp::Reply{}, "STARTTLS"));
}

TEST_CASE("wire/smtp_reply: text is one printable line") {
    CHECK(reply_of("454 4.7.0 not now\r\n").text() == "454 4.7.0 not now");
    CHECK(reply_of("550-a\r\n550 \x1b[31mb\r\n").text() == "550 a ?[31mb");
    CHECK(reply_of("220\r\n").text() == "220");
}

} // namespace
} // namespace postseal::wire
