// SPDX-License-Identifier: BSD-3-Clause
#include "https/address_guard.h"

#include "support/table.h"
#include "tls/tls_server.h"

#include <doctest/doctest.h>

namespace postseal::https {
namespace {

using namespace tls;

TEST_CASE("guard: each special-purpose range and its neighbours") {
    for (const test::Row& row : test::read_table("https/address.table", 3)) {
        CAPTURE(row.line);
        CAPTURE(row.fields[0]);
        CHECK(why_not_global(address_of(row.fields[0])).value_or("global") == row.fields[1]);
    }
}

TEST_CASE("address: from RDATA and back to text") {
    using namespace std::string_view_literals;
    CHECK(Address::from_rdata("\xc0\x00\x02\x01"sv) == address_of("192.0.2.1"));
    CHECK(address_of("192.0.2.1").to_string() == "192.0.2.1");
    CHECK(address_of("2001:DB8:0::1").to_string() == "2001:db8::1");
    const std::string v6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    CHECK(Address::from_rdata(v6) == Address::parse("2001:db8::1"));
    CHECK_FALSE(Address::from_rdata("\x7f\0\0"sv).has_value());
    CHECK_FALSE(Address::from_rdata(std::string(17, 'x')).has_value());
    CHECK_FALSE(Address::parse("192.0.2").has_value());
    CHECK_FALSE(Address::parse("fe80::1%eth0").has_value());
    CHECK_FALSE(Address::parse("").has_value());
}

} // namespace
} // namespace postseal::https
