// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/doctor/tables.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace postseal::test {
namespace {

using doctor::Table;

// "socketmap inet:127.0.0.1:8461 postfix", "proxy tcp ...", "other TEXT"
std::string shown(const Table& table) {
    if (table.type == Table::Type::other) return "other " + table.text;
    return fmt::format("{}{} {}{}{}", table.proxied ? "proxy " : "",
                       table.type == Table::Type::tcp ? "tcp" : "socketmap",
                       table.endpoint.text().empty() ? "-" : table.endpoint.text(),
                       table.map.empty() ? "" : " ", table.map);
}

TEST_CASE("parse_tables: table") {
    for (const Row& row : read_table("doctor/tables.table", 3)) {
        CAPTURE(row.line);
        std::string got;
        for (const Table& table : doctor::parse_tables(row.fields[0]))
            got += (got.empty() ? "" : "; ") + shown(table);
        CHECK(got == row.fields[1]);
    }
}

TEST_CASE("postmap_fault: fatal lines only") {
    CHECK(doctor::postmap_fault("").empty());
    CHECK(
        doctor::postmap_fault("postmap: warning: /etc/postfix/main.cf, line 5: overriding earlier "
                              "entry: myhostname=a.example\n")
            .empty());
    CHECK(doctor::postmap_fault("postmap: warning: connect to 127.0.0.1:1: Connection refused\n"
                                "postmap: fatal: table socketmap:inet:127.0.0.1:1:x: query error: "
                                "Connection refused\n") ==
          "table socketmap:inet:127.0.0.1:1:x: query error: Connection refused");
    CHECK(doctor::postmap_fault("postmap: fatal: open database /a.db: No such file or directory") ==
          "open database /a.db: No such file or directory");
}

} // namespace
} // namespace postseal::test
