// SPDX-License-Identifier: BSD-3-Clause
#include "https/media_type.h"

#include "support/table.h"

#include <doctest/doctest.h>

namespace postseal::https {
namespace {

TEST_CASE("media type: text/plain and nothing else") {
    for (const test::Row& row : test::read_table("https/media_type.table", 3)) {
        CAPTURE(row.line);
        CAPTURE(row.fields[0]);
        CHECK(is_text_plain(row.fields[0]) == (row.fields[1] == "yes"));
    }
}

} // namespace
} // namespace postseal::https
