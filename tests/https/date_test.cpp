// SPDX-License-Identifier: BSD-3-Clause
#include "https/date.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <string>

namespace postseal::https {

TEST_CASE("date: a Date field, or none") {
    for (const test::Row& row : test::read_table("https/date.table", 3)) {
        CAPTURE(row.line);
        const auto date = parse_date(row.fields[0]);
        REQUIRE(date.has_value() == (row.fields[1] != "-"));
        if (date)
            CHECK(date->time_since_epoch() == seconds(std::stoll(std::string(row.fields[1]))));
    }
    CHECK_FALSE(parse_date(""));
}

} // namespace postseal::https
