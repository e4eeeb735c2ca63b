// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/kept_overrides.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::fleet;

namespace {

using Kept = KeptOverrides::Facts;

const std::vector<SharedOverride> two{
    {.key = "b.example", .line = "b.example may", .by = {}, .at = {}},
    {.key = ".a.example", .line = ".a.example encrypt", .by = {}, .at = {}}};

store::FleetState state_of(const Kept& facts) {
    return {.facts = facts, .unshared = {}, .unshared_in_all = 0};
}

} // namespace

TEST_CASE("what is taken in is kept, and read again") {
    KeptOverrides kept;
    const Kept facts = kept.take_in(two);
    CHECK(kept.lines() == ".a.example encrypt\nb.example may\n");
    KeptOverrides again;
    Kept with_others = facts;
    with_others.push_back({.name = "node", .value = "n1"});
    again.read(state_of(with_others));
    CHECK(again.lines() == kept.lines());
}

TEST_CASE("a removed one is written down as removed") {
    KeptOverrides kept;
    Kept facts = kept.take_in(two);
    const Kept removed = kept.take_in({{.key = "b.example", .line = "", .by = {}, .at = {}}});
    CHECK(removed == Kept{{.name = "override/b.example", .value = ""}});
    CHECK(kept.lines() == ".a.example encrypt\n");
    KeptOverrides again;
    again.read(state_of(removed));
    CHECK(again.lines().empty());
}

TEST_CASE("other tables: what they do not have is dropped at their end, not before") {
    KeptOverrides kept;
    Kept facts = kept.take_in(two);
    CHECK(kept.drop_doubtful().empty());
    kept.doubt_all();
    facts = kept.take_in({two[0]});
    CHECK(kept.lines() == ".a.example encrypt\nb.example may\n");
    CHECK(kept.drop_doubtful() == Kept{{.name = "override/.a.example", .value = ""}});
    CHECK(kept.lines() == "b.example may\n");
}
