// SPDX-License-Identifier: BSD-3-Clause
#include "dns/server_address.h"
#include "support/table.h"

#include <doctest/doctest.h>

namespace postseal::test {
namespace {

TEST_CASE("parse_server: table") {
    for (const Row& row : read_table("dns/server.table", 3)) {
        CAPTURE(row.line);
        const auto server = dns::parse_server(row.fields[0]);
        if (!server) {
            CHECK("! " + server.error() == row.fields[1]);
            continue;
        }
        CHECK(server->text == row.fields[0]);
        CHECK(server->address.to_string() == row.fields[1]);
    }
}

TEST_CASE("parse_server: its port") {
    CHECK(dns::parse_server("192.0.2.1")->port == 53);
    CHECK(dns::parse_server("2001:db8::1@65535")->port == 65535);
}

TEST_CASE("parse_prefix: table") {
    for (const Row& row : read_table("dns/prefix.table", 3)) {
        CAPTURE(row.line);
        const auto prefix = dns::parse_prefix(row.fields[0]);
        CHECK((prefix ? prefix->to_string() : "! " + prefix.error()) == row.fields[1]);
    }
}

TEST_CASE("parse_stub: table") {
    for (const Row& row : read_table("dns/stub.table", 3)) {
        CAPTURE(row.line);
        const auto stub = dns::parse_stub(row.fields[0]);
        const std::string got = stub ? stub->zone + " " + stub->server.text : "! " + stub.error();
        CHECK(got == row.fields[1]);
    }
}

} // namespace
} // namespace postseal::test
