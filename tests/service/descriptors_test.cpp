// SPDX-License-Identifier: BSD-3-Clause
#include "service/descriptors.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace postseal::service;

TEST_CASE("the soft limit is raised to the hard one, and said if that is too low") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit low = before;
    low.rlim_cur = 256;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    const bool enough = before.rlim_max >= 1025;
    CHECK(raise_descriptor_limit(1).has_value() == !enough);
    rlimit after{};
    ::getrlimit(RLIMIT_NOFILE, &after);
    CHECK(after.rlim_cur == before.rlim_max);
    const auto warning = raise_descriptor_limit(std::size_t{1} << 40U);
    REQUIRE(warning);
    CHECK(warning->find("limits.connections = 1099511627776") != std::string::npos);
    ::setrlimit(RLIMIT_NOFILE, &before);
}
