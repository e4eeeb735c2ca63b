// SPDX-License-Identifier: BSD-3-Clause
#include "store/pending.h"

#include "store/scratch.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

std::string keys(const Pending<NexthopRow>& pending) {
    std::string all;
    for (const NexthopRow& row : pending.rows())
        all += row.nexthop + " ";
    return all;
}

} // namespace

TEST_CASE("the newest row for a key is kept, in the order of saving") {
    Pending<NexthopRow> pending;
    for (const auto* key : {"a", "b", "c"})
        pending.put(nexthop_row(key, 1));
    pending.put(nexthop_row("a", 2));
    CHECK(keys(pending) == "b c a ");
    REQUIRE(pending.find("a") != nullptr);
    CHECK(*pending.find("a") == nexthop_row("a", 2));
    CHECK(pending.find("d") == nullptr);
}

TEST_CASE("what comes back after a failed write is older than what came since") {
    Pending<NexthopRow> pending;
    for (const auto* key : {"a", "b", "c"})
        pending.put(nexthop_row(key, 1));
    Pending<NexthopRow> failed = std::move(pending);
    pending = Pending<NexthopRow>();
    pending.put(nexthop_row("b", 2));
    pending.put(nexthop_row("d", 2));
    pending.put_older(std::move(failed));
    CHECK(keys(pending) == "a c b d ");
    CHECK(*pending.find("b") == nexthop_row("b", 2));
    CHECK(*pending.find("c") == nexthop_row("c", 1));
}

TEST_CASE("the oldest rows go when there are too many") {
    Pending<NexthopRow> pending;
    for (const auto* key : {"a", "b", "c", "d"})
        pending.put(nexthop_row(key));
    const std::size_t each = pending.weight() / 4;
    CHECK(pending.shrink(pending.weight()) == 0);
    CHECK(pending.shrink(2 * each) == 2);
    CHECK(keys(pending) == "c d ");
    CHECK(pending.weight() == 2 * each);
    CHECK(pending.find("a") == nullptr);
    CHECK(pending.shrink(0) == 2);
    CHECK(pending.weight() == 0);
}
