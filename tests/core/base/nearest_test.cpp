// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/nearest.h"

#include <doctest/doctest.h>

namespace postseal {
namespace {

TEST_CASE("base/nearest: a slip of the finger is recognised, another word is not") {
    const std::vector<std::string> known{"list", "lint", "show", "check-config"};
    CHECK(nearest("lst", known) == "list");
    CHECK(nearest("shwo", known) == "show");
    CHECK(nearest("check-confg", known) == "check-config");
    CHECK(nearest("chekcconfig", known) == "check-config");
    CHECK(nearest("list", known) == "list");
    CHECK_FALSE(nearest("reload", known));
    CHECK_FALSE(nearest("anything", {}));
}

} // namespace
} // namespace postseal
