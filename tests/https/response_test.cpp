// SPDX-License-Identifier: BSD-3-Clause
#include "https/response.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postseal::https {
namespace {

using State = ResponseParser::State;

struct Result {
    std::string outcome; // "ok", "more" or the fault
    std::string text;    // the body or the clause
    friend bool operator==(const Result&, const Result&) = default;
};

Result read(const std::vector<std::string_view>& pieces, bool close) {
    ResponseParser parser;
    State state = State::more;
    for (const std::string_view piece : pieces)
        if (state == State::more) state = parser.feed(piece);
    if (state == State::more && close) state = parser.end();
    if (state == State::more) return {"more", ""};
    if (state == State::complete) return {"ok", parser.take_body()};
    return {std::string(to_string(parser.error().fault)), parser.error().reason};
}

Result read_by_octet(std::string_view octets, bool close) {
    std::vector<std::string_view> pieces;
    pieces.reserve(octets.size());
    for (std::size_t i = 0; i < octets.size(); i++)
        pieces.push_back(octets.substr(i, 1));
    return read(pieces, close);
}

TEST_CASE("response: transcripts, whole, cut at every octet, and octet by octet") {
    for (const test::Row& row : test::read_table("https/response.table", 5)) {
        CAPTURE(row.line);
        const std::string& octets = row.fields[0];
        const bool close = row.fields[1] == "close";
        const Result whole = read({octets}, close);
        CAPTURE(whole.text);
        CHECK(whole.outcome == row.fields[2]);
        if (whole.outcome == "ok")
            CHECK(whole.text == row.fields[3]);
        else
            CHECK(whole.text.find(row.fields[3]) != std::string::npos);
        const std::string_view view = octets;
        for (std::size_t cut = 1; cut < view.size(); cut++) {
            CAPTURE(cut);
            REQUIRE(read({view.substr(0, cut), view.substr(cut)}, close) == whole);
        }
        CHECK(read_by_octet(octets, close) == whole);
    }
}

constexpr std::string_view plain = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

Result head_of(std::size_t size, std::size_t piece) {
    std::string octets = std::string(plain) + "X: ";
    const std::string rest = "\r\nContent-Length: 1\r\n\r\n";
    octets += std::string(size - octets.size() - rest.size(), 'x') + rest;
    REQUIRE(octets.size() == size);
    octets += "y";
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < octets.size(); at += piece)
        pieces.push_back(std::string_view(octets).substr(at, piece));
    return read(pieces, false);
}

TEST_CASE("response: a head of exactly 16 KiB is read, an octet more is not") {
    for (const std::size_t piece : {1UZ, 1000UZ, 4096UZ, 1'000'000UZ}) {
        CAPTURE(piece);
        CHECK(head_of(max_head_size, piece) == Result{"ok", "y"});
        CHECK(head_of(max_head_size + 1, piece) ==
              Result{"too-large", "a head of more than 16384 octets"});
    }
}

TEST_CASE("response: interim answers count towards the head") {
    std::string octets;
    while (octets.size() <= max_head_size)
        octets += "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    CHECK(read({octets}, false).outcome == "too-large");
    CHECK(read_by_octet(octets, false).outcome == "too-large");
}

TEST_CASE("response: a body of exactly 64 KiB is read, an octet more is not") {
    const std::string body(max_body_size, 'b');
    const std::string until_close = std::string(plain) + "\r\n";
    const std::string chunked =
        std::string(plain) + "Transfer-Encoding: chunked\r\n\r\n10000\r\n" + body + "\r\n";
    CHECK(read({until_close, body}, true) == Result{"ok", body});
    CHECK(read({until_close, body, "c"}, true).outcome == "too-large");
    CHECK(read_by_octet(until_close + body + "c", true).outcome == "too-large");
    CHECK(read({chunked, "0\r\n\r\n"}, false) == Result{"ok", body});
    CHECK(read({chunked, "1\r\nc\r\n0\r\n\r\n"}, false).outcome == "too-large");
    CHECK(read({std::string(plain) + "Transfer-Encoding: chunked\r\n\r\n10001\r\n" + body + "c"},
               false)
              .outcome == "too-large");
}

TEST_CASE("response: framing and trailers without end stop at 1 MiB") {
    std::string octets = std::string(plain) + "Transfer-Encoding: chunked\r\n\r\n";
    const std::string chunk = "1;" + std::string(1000, 'e') + "\r\nx\r\n";
    ResponseParser parser;
    State state = parser.feed(octets);
    std::size_t fed = octets.size();
    while (state == State::more && fed < 2 * max_wire_size) {
        state = parser.feed(chunk);
        fed += chunk.size();
    }
    CHECK(state == State::failed);
    CHECK(fed >= max_wire_size);
    CHECK(fed < max_wire_size + 2 * chunk.size());
    CHECK(parser.error().fault == FetchFault::too_large);
}

TEST_CASE("response: says how far it has come") {
    ResponseParser parser;
    CHECK(parser.where() == "before the answer");
    parser.feed("HTTP/1.1 ");
    CHECK(parser.where() == "in the head");
    parser.feed("200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
    CHECK(parser.where() == "in the body, after 0 octets");
    parser.feed("hel");
    CHECK(parser.where() == "in the body, after 3 octets");
    CHECK(parser.feed("lo") == State::complete);
    CHECK(parser.take_body() == "hello");
}

} // namespace
} // namespace postseal::https
