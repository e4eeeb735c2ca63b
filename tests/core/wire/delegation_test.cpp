// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/wire/delegation.h"

#include "stream.h"

#include <doctest/doctest.h>

#include <string>

namespace postseal::wire {
namespace {

TEST_CASE("wire/delegation: the table, however it is cut") {
    check_streams("wire/delegation.table", delegation::scan, [](const delegation::Scan& scan) {
        return std::string(scan.request.request) + "~" + std::string(scan.request.recipient);
    });
}

TEST_CASE("wire/delegation: 256 lines are taken, one more is not") {
    std::string lines = "request=r\n";
    for (int i = 0; i < 254; i++)
        lines += "x=y\n";
    const auto most = delegation::scan(lines + "\n");
    CHECK(most.status == Status::frame);
    CHECK(most.consumed == lines.size() + 1);
    CHECK(delegation::scan(lines).status == Status::incomplete);
    const auto over = delegation::scan(lines + "x=y\n");
    CHECK(over.status == Status::malformed);
    CHECK(over.fault == std::string("a request of more than 256 lines"));
}

TEST_CASE("wire/delegation: a request points into the bytes scanned") {
    const std::string_view bytes = "request=r\nrecipient=a@b\n\n";
    const auto scan = delegation::scan(bytes);
    REQUIRE(scan.status == Status::frame);
    CHECK(scan.request.request.data() == bytes.data() + 8);
    CHECK(scan.request.recipient.data() == bytes.data() + 20);
    CHECK(scan.consumed == bytes.size());
}

TEST_CASE("wire/delegation: the domain of a recipient") {
    const auto domain = [](std::string_view recipient) {
        return std::string(delegation::domain_of(recipient).value_or("-"));
    };
    CHECK(domain("a@example.com") == "example.com");
    CHECK(domain("\"a@b\"@example.com") == "example.com");
    CHECK(domain("@relay.example:a@example.com") == "example.com");
    CHECK(domain("a@[192.0.2.1]") == "[192.0.2.1]");
    CHECK(domain("@example.com") == "example.com");
    CHECK(domain("postmaster") == "-");
    CHECK(domain("a@") == "-");
    CHECK(domain("@") == "-");
    CHECK(domain("") == "-");
}

TEST_CASE("wire/delegation: a reply is one line and an empty one, whatever it says") {
    CHECK(delegation::action("DUNNO") == "action=DUNNO\n\n");
    CHECK(delegation::action("550 5.7.1 no promise") == "action=550 5.7.1 no promise\n\n");
    CHECK(delegation::action("WARN a\r\n\naction=OK") == "action=WARN a???action=OK\n\n");
    CHECK(delegation::action(std::string(2000, 'x')).size() == 7 + 1000 + 2);
}

} // namespace
} // namespace postseal::wire
