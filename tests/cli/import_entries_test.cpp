// SPDX-License-Identifier: BSD-3-Clause
#include "cli/import_entries.h"

#include <doctest/doctest.h>

using namespace postseal;

TEST_CASE("cli/import: a row of postfix-mta-sts-resolver's cache is a policy file again") {
    CHECK(cli::policy_file(R"({"mx": ["mx.example.com", "*.example.net"], "version": "STSv1",
                               "mode": "enforce", "max_age": 86400, "more": "x"})") ==
          "version: STSv1\nmode: enforce\nmx: mx.example.com\nmx: *.example.net\nmax_age: 86400\n");
    CHECK(cli::policy_file(R"({"version": "STSv1", "mode": "none", "max_age": "60"})") ==
          "version: STSv1\nmode: none\nmax_age: 60\n");
    CHECK_FALSE(cli::policy_file("null"));
    CHECK_FALSE(cli::policy_file("{"));
}
