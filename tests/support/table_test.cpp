// SPDX-License-Identifier: BSD-3-Clause
#include "support/table.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

namespace postseal::test {
namespace {

using namespace std::string_literals;

TEST_CASE("support/table: fields, blanks, comments and lines") {
    const auto rows = read_table("support/good.table", 3);
    REQUIRE(rows.size() == 4);
    CHECK(rows[0].line == 3);
    CHECK(rows[0].fields == std::vector{"a"s, "b c"s, "blanks around a field are dropped"s});
    CHECK(rows[1].line == 5);
    CHECK(rows[1].fields[0].empty());
    CHECK(rows[1].fields[1] == "#no comment");
}

TEST_CASE("support/table: every escape gives its octet") {
    const auto rows = read_table("support/good.table", 3);
    REQUIRE(rows.size() == 4);
    CHECK(rows[2].fields[0] == "\n\r\t\0\\| "s);
    CHECK(rows[2].fields[1] == " a "s);
    CHECK(rows[3].fields[0] == "\x00\x7f\xff\xAb"s);
    CHECK(rows[3].fields[1] == "\x41"
                               "1"s);
}

std::string fault_of(const std::string& path, std::size_t columns) {
    try {
        return std::to_string(read_table(path, columns).size()) + " rows";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

TEST_CASE("support/table: a table that is wrong stops the test") {
    CHECK(fault_of("support/none.table", 3) == "cannot read tests/data/support/none.table");
    CHECK(fault_of("support/empty.table", 2) == "tests/data/support/empty.table is empty");
    CHECK(fault_of("support/good.table", 2) == "tests/data/support/good.table:3: 3 fields, not 2");
    CHECK(fault_of("support/bad_escape.table", 2) == "line 2: bad escape \\q");
    CHECK(fault_of("support/bad_hex.table", 2) == "line 2: \\x wants two hex digits");
    CHECK(fault_of("support/short_hex.table", 2) == "line 1: \\x wants two hex digits");
    CHECK(fault_of("support/lone_backslash.table", 2) == "line 1: bad escape \\?");
}

} // namespace
} // namespace postseal::test
