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

TEST_CASE("that something was forgotten is kept however little room there is") {
    Pending<NexthopRow> pending;
    pending.put({.nexthop = "a", .verdict = {}});
    pending.put(nexthop_row("b"));
    pending.put({.nexthop = "c", .verdict = {}});
    pending.put(nexthop_row("c")); // found out anew since
    std::string dropped;
    CHECK(pending.shrink(0, [&](const NexthopRow& row) { dropped += row.nexthop; }) == 2);
    CHECK(dropped == "bc");
    CHECK(keys(pending) == "a c ");
    REQUIRE(pending.find("a") != nullptr);
    CHECK(is_blank(*pending.find("a")));
    REQUIRE(pending.find("c") != nullptr);
    CHECK(is_blank(*pending.find("c")));
    CHECK(pending.shrink(0) == 0);

    Pending<Unshared> marks;
    marks.put({.key = "sts/a", .forgotten_at = at(7)});
    marks.put({.key = "sts/b"});
    CHECK(marks.shrink(0) == 1);
    CHECK(marks.find("sts/a") != nullptr);
}
