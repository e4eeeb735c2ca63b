// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/socketmap.h"

#include "stream.h"
#include "support/table.h"

#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

namespace postseal::wire {
namespace {

using namespace std::string_literals;

Outcome decode(std::string_view stream, const std::vector<std::size_t>& cuts) {
    return feed(stream, cuts, socketmap::scan, [](const socketmap::Scan& scan) {
        return std::string(scan.request.map) + "~" + std::string(scan.request.key);
    });
}

struct Case {
    std::size_t line = 0;
    std::string stream;
    std::string frames; // each as <map~key>
    std::string end;
    std::string sure;
};

std::vector<Case> cases() {
    std::vector<Case> out;
    for (const auto& row : test::read_table("wire/socketmap.table", 5))
        out.push_back({.line = row.line,
                       .stream = expand(row.fields[0]),
                       .frames = expand(row.fields[1]),
                       .end = row.fields[2],
                       .sure = row.fields[3]});
    return out;
}

std::string joined(const std::vector<std::string>& frames) {
    std::string out;
    for (const auto& frame : frames)
        out += "<" + frame + ">";
    return out;
}

TEST_CASE("wire/socketmap: the table, whole") {
    for (const auto& c : cases()) {
        CAPTURE(c.line);
        const Outcome out = decode(c.stream, {});
        CHECK(joined(out.frames) == c.frames);
        CHECK(out.end == c.end);
    }
}

TEST_CASE("wire/socketmap: the table, cut at every octet boundary") {
    for (const auto& c : cases()) {
        CAPTURE(c.line);
        for (std::size_t cut = 0; cut <= c.stream.size(); cut++) {
            const Outcome out = decode(c.stream, {cut});
            CAPTURE(cut);
            REQUIRE(joined(out.frames) == c.frames);
            REQUIRE(out.end == c.end);
        }
    }
}

TEST_CASE("wire/socketmap: the table, octet by octet, and a fault as soon as it is sure") {
    for (const auto& c : cases()) {
        CAPTURE(c.line);
        std::vector<std::size_t> cuts(c.stream.size());
        std::iota(cuts.begin(), cuts.end(), std::size_t{1});
        const Outcome out = decode(c.stream, cuts);
        CHECK(joined(out.frames) == c.frames);
        CHECK(out.end == c.end);
        CHECK((out.sure == 0 ? "-" : std::to_string(out.sure)) == c.sure);
    }
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
    CHECK(socketmap::ok("secure \xff") == "27:TEMP the policy is no UTF-8,");
    CHECK(socketmap::ok("secure \xc3") == "27:TEMP the policy is no UTF-8,");
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
