// SPDX-License-Identifier: BSD-3-Clause
#include "dns/negative_ttl.h"
#include "support/rdata.h"
#include "support/table.h"

#include <doctest/doctest.h>

#include <string>

namespace postseal::test {
namespace {

TEST_CASE("negative_ttl: table") {
    for (Row& row : read_table("dns/negative_ttl.table", 3)) {
        CAPTURE(row.line);
        std::erase(row.fields[0], ' ');
        const std::string message = octets_of_hex(row.fields[0]);
        CHECK(std::to_string(dns::negative_ttl(message).count()) == row.fields[1]);
        // Cut off anywhere it is either as before, or not to be kept.
        for (std::size_t size = 0; size < message.size(); size++)
            CHECK((dns::negative_ttl(std::string(message, 0, size)) == seconds(0) ||
                   dns::negative_ttl(std::string(message, 0, size)) == dns::negative_ttl(message)));
    }
}

} // namespace
} // namespace postseal::test
