// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/netstring.h"

#include "stream.h"
#include "support/table.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace postseal::wire {
namespace {

Outcome decode(std::string_view stream, const std::vector<std::size_t>& cuts, std::size_t limit) {
    return feed(
        stream, cuts, [&](std::string_view bytes) { return netstring::scan(bytes, limit); },
        [](const netstring::Scan& scan) { return std::string(scan.payload); });
}

struct Limited {
    std::size_t line = 0;
    std::string stream;
    std::size_t limit = 0;
    std::string frames; // each as <payload>
    std::string end;
    std::string sure;
};

std::vector<Limited> cases() {
    std::vector<Limited> out;
    for (const auto& row : test::read_table("wire/netstring.table", 6))
        out.push_back({.line = row.line,
                       .stream = expand(row.fields[0]),
                       .limit = std::stoull(row.fields[1]),
                       .frames = expand(row.fields[2]),
                       .end = row.fields[3],
                       .sure = row.fields[4]});
    return out;
}

TEST_CASE("wire/netstring: the table, whole") {
    for (const auto& c : cases()) {
        CAPTURE(c.line);
        const Outcome out = decode(c.stream, {}, c.limit);
        CHECK(joined(out.frames) == c.frames);
        CHECK(out.end == c.end);
    }
}

TEST_CASE("wire/netstring: the table, cut at every octet boundary") {
    for (const auto& c : cases()) {
        CAPTURE(c.line);
        for (std::size_t cut = 0; cut <= c.stream.size(); cut++) {
            const Outcome out = decode(c.stream, {cut}, c.limit);
            CAPTURE(cut);
            REQUIRE(joined(out.frames) == c.frames);
            REQUIRE(out.end == c.end);
        }
    }
}

TEST_CASE("wire/netstring: the table, octet by octet, and a fault as soon as it is sure") {
    for (const auto& c : cases()) {
        CAPTURE(c.line);
        std::vector<std::size_t> cuts(c.stream.size());
        std::iota(cuts.begin(), cuts.end(), std::size_t{1});
        const Outcome out = decode(c.stream, cuts, c.limit);
        CHECK(joined(out.frames) == c.frames);
        CHECK(out.end == c.end);
        CHECK((out.sure == 0 ? "-" : std::to_string(out.sure)) == c.sure);
    }
}

TEST_CASE("wire/netstring: the payload points into the bytes scanned") {
    const std::string_view bytes = "5:hello,3:abc,";
    const auto scan = netstring::scan(bytes, 100);
    REQUIRE(scan.status == netstring::Status::frame);
    CHECK(scan.payload.data() == bytes.data() + 2);
    CHECK(scan.consumed == 8);
}

TEST_CASE("wire/netstring: a limit of all that size_t holds does not overflow") {
    const std::string most = std::to_string(SIZE_MAX);
    CHECK(netstring::scan(most + ":", SIZE_MAX).status == netstring::Status::incomplete);
    CHECK(netstring::scan(most + ":abc", SIZE_MAX).status == netstring::Status::incomplete);
    CHECK(netstring::scan("18446744073709551616", SIZE_MAX).status == netstring::Status::malformed);
    CHECK(netstring::scan("99999999999999999999", SIZE_MAX).status == netstring::Status::malformed);
    CHECK(netstring::scan(most, SIZE_MAX - 1).status == netstring::Status::malformed);
}

TEST_CASE("wire/netstring: append writes what scan reads") {
    using namespace std::string_literals;
    std::string out = "x";
    netstring::append(out, "hello");
    netstring::append(out, "");
    netstring::append(out, "a\0,:"s);
    CHECK(out == "x5:hello,0:,4:a\0,:,"s);
    for (const std::size_t size : {1, 9, 10, 99, 100, 9'999, 10'000, 100'000}) {
        std::string frame;
        netstring::append(frame, std::string(size, ','));
        const auto scan = netstring::scan(frame, size);
        REQUIRE(scan.status == netstring::Status::frame);
        CHECK(scan.payload.size() == size);
        CHECK(scan.consumed == frame.size());
    }
}

} // namespace
} // namespace postseal::wire
