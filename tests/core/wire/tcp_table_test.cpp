// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/tcp_table.h"

#include "stream.h"

#include <doctest/doctest.h>

#include <string>

namespace postseal::wire {
namespace {

using namespace std::string_literals;

TEST_CASE("wire/tcp_table: the table, however it is cut") {
    check_streams("wire/tcp_table.table", tcp_table::scan, [](const tcp_table::Scan& scan) {
        if (scan.verb == tcp_table::Verb::put) return "put"s;
        return "get~" + tcp_table::decode(scan.key);
    });
}

TEST_CASE("wire/tcp_table: a key points into the bytes scanned, and stays coded") {
    const std::string_view bytes = "get a%20b\nget c\n";
    const auto scan = tcp_table::scan(bytes);
    REQUIRE(scan.status == Status::frame);
    CHECK(scan.key == "a%20b");
    CHECK(scan.key.data() == bytes.data() + 4);
    CHECK(scan.consumed == 10);
}

TEST_CASE("wire/tcp_table: replies, octet by octet") {
    CHECK(tcp_table::ok("dane-only") == "200 dane-only\n");
    CHECK(tcp_table::ok("secure match=mx1.example.com:.example.net servername=hostname") ==
          "200 secure%20match=mx1.example.com:.example.net%20servername=hostname\n");
    CHECK(tcp_table::not_found("no policy") == "500 no%20policy\n");
    CHECK(tcp_table::temp("mx1.example.com A: SERVFAIL") ==
          "400 mx1.example.com%20A:%20SERVFAIL\n");
    CHECK(tcp_table::temp("") == "400 \n");
}

TEST_CASE("wire/tcp_table: every octet of a value comes through") {
    std::string value;
    for (int octet = 1; octet < 0x80; octet++)
        value += static_cast<char>(octet);
    value += "\xc3\xbc";
    const std::string reply = tcp_table::ok(value);
    REQUIRE(reply.starts_with("200 "));
    REQUIRE(reply.find('\n') == reply.size() - 1);
    const auto coded = std::string_view(reply).substr(4, reply.size() - 5);
    CHECK(tcp_table::decode(coded) == value);
    CHECK(tcp_table::ok("a%b\tc\x7f") == "200 a%25b%09c%7F\n");
    // As a request, too.
    CHECK(tcp_table::scan("get " + std::string(coded) + "\n").status == Status::frame);
}

TEST_CASE("wire/tcp_table: decoding leaves what is not a code as it is") {
    CHECK(tcp_table::decode("a%") == "a%");
    CHECK(tcp_table::decode("a%4") == "a%4");
    CHECK(tcp_table::decode("%41%4") == "A%4");
}

TEST_CASE("wire/tcp_table: a value that Postfix would refuse or misread is 400") {
    CHECK(tcp_table::ok("") == "400 the%20policy%20is%20empty\n");
    CHECK(tcp_table::ok("none\0secure"s) == "400 the%20policy%20holds%20a%20NUL\n");
    CHECK(tcp_table::ok("secure \xff") == "400 the%20policy%20is%20not%20UTF-8\n");
}

TEST_CASE("wire/tcp_table: a reply of 4096 octets goes out, a longer one is 400") {
    const std::string most(4091, 'a');
    CHECK(tcp_table::ok(most) == "200 " + most + "\n");
    CHECK(tcp_table::ok(most).size() == tcp_table::max_line);
    const std::string over = "400 the%20policy%20is%20over%204096%20octets\n";
    CHECK(tcp_table::ok(most + "a") == over);
    const std::string coded = std::string(4088, 'a') + " ";
    CHECK(tcp_table::ok(coded).size() == tcp_table::max_line);
    CHECK(tcp_table::ok("a" + coded) == over);
}

TEST_CASE("wire/tcp_table: reasons are printable ASCII and at most 200 octets before coding") {
    CHECK(tcp_table::temp("a\r\nb\0c\x7f\xc3\xbc%"s) == "400 a??b?c???%25\n");
    CHECK(tcp_table::not_found(std::string(201, 'x')) == "500 " + std::string(197, 'x') + "...\n");
    CHECK(tcp_table::temp(std::string(1000, ' ')).size() <= tcp_table::max_line);
}

} // namespace
} // namespace postseal::wire
