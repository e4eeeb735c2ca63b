// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/kept_overrides.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::fleet;

namespace {

using Kept = KeptOverrides::Facts;

WallTime at(int second) { return WallTime(seconds(second)); }

const std::vector<SharedOverride> two{
    {.key = "b.example", .line = "b.example may", .by = "root at relay1", .at = at(10)},
    {.key = ".a.example", .line = ".a.example encrypt", .by = {}, .at = at(11)}};

SharedOverride removed(const char* key, WallTime when) {
    return {.key = key, .line = {}, .by = "me", .at = when};
}

store::FleetState state_of(const Kept& facts) {
    return {.facts = facts, .unshared = {}, .unshared_in_all = 0};
}

} // namespace

TEST_CASE("what is taken in is kept, and read again") {
    KeptOverrides kept;
    const Kept facts = kept.take_in(two, 3);
    CHECK(kept.lines() == ".a.example encrypt\nb.example may\n");
    KeptOverrides again;
    Kept with_others = facts;
    with_others.push_back({.name = "node", .value = "n1"});
    again.read(state_of(with_others));
    CHECK(again.lines() == kept.lines());
    CHECK(again.go_back_to(3).empty());
    CHECK(again.go_back_to(2).size() == 2);
    REQUIRE(again.unshared().size() == 2);
    CHECK(again.unshared()[1] == two[0]); // with who set it, and when
}

TEST_CASE("those that an earlier version has kept are read, until they are dropped") {
    KeptOverrides kept;
    Kept facts{{.name = "override/c.example", .value = "c.example may"}};
    kept.read(state_of(facts));
    CHECK(kept.lines() == "c.example may\n");
    facts.push_back(kept.take_in({removed("c.example", at(5))}, 9).at(0));
    KeptOverrides again;
    again.read(state_of(facts));
    CHECK(again.lines().empty());
}

TEST_CASE("a removed one is written down as removed, and offered again as that") {
    KeptOverrides kept;
    const Kept facts = kept.take_in(two, 3);
    const Kept gone = kept.take_in({removed("b.example", at(20))}, 4);
    CHECK(kept.lines() == ".a.example encrypt\n");
    KeptOverrides again;
    again.read(state_of({facts[1], gone[0]}));
    CHECK(again.lines() == ".a.example encrypt\n");
    CHECK(again.go_back_to(3).size() == 1);
    CHECK(again.unshared() == std::vector{removed("b.example", at(20))});
    CHECK(again.take_in({removed("b.example", at(20))}, 5).size() == 1);
    CHECK(again.unshared().empty());
}

TEST_CASE("a server that was set back does not bring a removed one back: the newest wins") {
    KeptOverrides kept;
    CHECK(kept.take_in({removed("b.example", at(20))}, 7).size() == 1);
    CHECK(kept.take_in({two[0]}, 5).size() == 1); // an older state of the server's
    CHECK(kept.lines().empty());
    CHECK(kept.unshared() == std::vector{removed("b.example", at(20))});
}

TEST_CASE("other tables: what they do not have is dropped at their end, not before") {
    KeptOverrides kept;
    Kept facts = kept.take_in(two, 3);
    CHECK(kept.drop_doubtful().empty());
    kept.doubt_all();
    CHECK(kept.unshared().empty()); // another fleet's
    facts = kept.take_in({two[0]}, 1);
    CHECK(kept.lines() == ".a.example encrypt\nb.example may\n");
    const auto before = kept.in_force();
    CHECK(kept.drop_doubtful() == Kept{{.name = "shared-override/.a.example", .value = ""}});
    CHECK(kept.changed_since(before) ==
          std::vector{SharedOverride{.key = ".a.example", .line = {}, .by = {}, .at = {}}});
    CHECK(kept.lines() == "b.example may\n");
}
