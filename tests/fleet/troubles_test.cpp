// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/troubles.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::fleet;

namespace {

WallTime at(int s) { return WallTime(seconds(s)); }

const Error lost{Fault::unreachable, "no route"};
const Error slow{Fault::slow, "no answer"};
const Error refused{Fault::refused, "no permission"};
const Error conflict{Fault::conflict, "again"};

} // namespace

TEST_CASE("troubles: said once, and since it began") {
    Troubles troubles;
    CHECK(troubles.first() == nullptr);
    CHECK(troubles.failed(Operation::share, refused, at(1)));
    CHECK_FALSE(troubles.failed(Operation::share, refused, at(9)));
    REQUIRE(troubles.first() != nullptr);
    CHECK(troubles.first()->since == at(1));
    CHECK(troubles.count(Fault::refused) == 2);
    const auto ended = troubles.worked(Operation::share);
    REQUIRE(ended);
    CHECK(ended->text == "no permission");
    CHECK_FALSE(troubles.worked(Operation::share));
    CHECK(troubles.failed(Operation::share, refused, at(20)));
}

TEST_CASE("troubles: a server that is away is said once, whatever it is asked for") {
    Troubles troubles;
    CHECK(troubles.failed(Operation::read, lost, at(1)));
    CHECK_FALSE(troubles.failed(Operation::share, slow, at(2)));
    CHECK_FALSE(troubles.failed(Operation::lease, lost, at(3)));
    // What it refuses is another matter.
    CHECK(troubles.failed(Operation::report, refused, at(4)));
    const auto ended = troubles.worked(Operation::read);
    REQUIRE(ended);
    CHECK(ended->since == at(1));
    CHECK_FALSE(troubles.of(Operation::share));
    CHECK_FALSE(troubles.of(Operation::lease));
    CHECK(troubles.of(Operation::report));
}

TEST_CASE("troubles: what works hides no other that does not") {
    Troubles troubles;
    CHECK(troubles.failed(Operation::share, refused, at(1)));
    CHECK_FALSE(troubles.worked(Operation::read));
    CHECK(troubles.of(Operation::share));
    // One that is slow to write only may be so still.
    CHECK(troubles.failed(Operation::lease, slow, at(2)));
    CHECK_FALSE(troubles.worked(Operation::read));
    CHECK(troubles.of(Operation::lease));
}

TEST_CASE("troubles: a conflict, and what is tried once a day, are counted only") {
    Troubles troubles;
    CHECK_FALSE(troubles.failed(Operation::share, conflict, at(1)));
    CHECK_FALSE(troubles.failed(Operation::prune, lost, at(1)));
    CHECK(troubles.first() == nullptr);
    CHECK(troubles.count(Fault::conflict) == 1);
    CHECK(troubles.count(Fault::unreachable) == 1);
}
