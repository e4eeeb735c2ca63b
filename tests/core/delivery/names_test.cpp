// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/delivery/names.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

namespace postseal::delivery {
namespace {

TEST_CASE("delivery/names: the table") {
    for (const auto& row : test::read_table("delivery/names.table", 4)) {
        CAPTURE(row.line);
        Certificate certificate;
        std::istringstream words(row.fields[0]);
        for (std::string name; words >> name;) {
            if (name.starts_with("cn:"))
                certificate.common_name = name.substr(3);
            else
                certificate.dns_names.push_back(name);
        }
        CHECK((is_for(certificate, row.fields[1]) ? "yes" : "no") == row.fields[2]);
    }
}

TEST_CASE("delivery/names: few are shown") {
    Certificate certificate;
    CHECK(names_of(certificate) == "no host");
    certificate.common_name = "mx.example.com";
    CHECK(names_of(certificate) == "mx.example.com (common name)");
    certificate.dns_names = {"a.example", "b.example"};
    CHECK(names_of(certificate) == "a.example, b.example");
    certificate.dns_names = {"a.example", "b\x1b.example", "c.example", "d.example", "e.example"};
    CHECK(names_of(certificate) == "a.example, b?.example, c.example and 2 more");
}

} // namespace
} // namespace postseal::delivery
