// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/socketmap.h"

#include "stream.h"

#include <doctest/doctest.h>

#include <string>

namespace postseal::wire {
namespace {

using namespace std::string_literals;

TEST_CASE("wire/socketmap: the table, however it is cut") {
    check_streams("wire/socketmap.table", socketmap::scan, [](const socketmap::Scan& scan) {
        return std::string(scan.request.map) + "~" + std::string(scan.request.key);
    });
}

TEST_CASE("wire/socketmap: a request points into the bytes scanned") {
    const std::string_view bytes = "19:postfix example.com,";
    const auto scan = socketmap::scan(bytes);
    REQUIRE(scan.status == netstring::Status::frame);
    CHECK(scan.request.map.data() == bytes.data() + 3);
    CHECK(scan.request.key.data() == bytes.data() + 11);
    CHECK(scan.consumed == bytes.size());
}

TEST_CASE("wire/socketmap: replies, octet by octet") {
    CHECK(socketmap::ok("dane-only") == "12:OK dane-only,");
    CHECK(socketmap::ok("secure match=mx1.example.com:.example.net servername=hostname") ==
          "64:OK secure match=mx1.example.com:.example.net servername=hostname,");
    CHECK(socketmap::ok("a") == "4:OK a,");
    CHECK(socketmap::not_found() == "9:NOTFOUND ,");
    CHECK(socketmap::temp("mx1.example.com A: SERVFAIL") == "32:TEMP mx1.example.com A: SERVFAIL,");
    CHECK(socketmap::temp("") == "5:TEMP ,");
    CHECK(socketmap::perm("no such map; there are: postfix") ==
          "36:PERM no such map; there are: postfix,");
}

TEST_CASE("wire/socketmap: a value keeps its octets") {
    CHECK(socketmap::ok("may b\xc3\xbc\t{ a, b }") == "19:OK may b\xc3\xbc\t{ a, b },");
}

TEST_CASE("wire/socketmap: a value that Postfix would refuse or misread is TEMP") {
    CHECK(socketmap::ok("") == "24:TEMP the policy is empty,");
    CHECK(socketmap::ok("none\0secure"s) == "27:TEMP the policy holds a NUL,");
    CHECK(socketmap::ok("secure\0"s) == "27:TEMP the policy holds a NUL,");
    CHECK(socketmap::ok("secure \xff") == "28:TEMP the policy is not UTF-8,");
    CHECK(socketmap::ok("secure \xc3") == "28:TEMP the policy is not UTF-8,");
}

TEST_CASE("wire/socketmap: a reply of 100,000 octets goes out, a longer one is TEMP") {
    const std::string most(99'997, 'a');
    CHECK(socketmap::ok(most) == "100000:OK " + most + ",");
    CHECK(socketmap::ok(most + "a") == "37:TEMP the policy is over 100000 octets,");
}

TEST_CASE("wire/socketmap: reasons are printable ASCII and at most 200 octets") {
    CHECK(socketmap::temp("a\r\nb\0c\x7f\xc3\xbc"s) == "14:TEMP a??b?c???,");
    CHECK(socketmap::perm("\t\x1b[31m") == "11:PERM ??[31m,");
    CHECK(socketmap::temp(std::string(200, 'x')) == "205:TEMP " + std::string(200, 'x') + ",");
    CHECK(socketmap::temp(std::string(201, 'x')) == "205:TEMP " + std::string(197, 'x') + "...,");
    CHECK(socketmap::perm(std::string(100'000, 'x')) ==
          "205:PERM " + std::string(197, 'x') + "...,");
}

} // namespace
} // namespace postseal::wire
