// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/namesake.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::fleet;
using Change = Namesake::Change;

namespace {

MonoTime after(int s) { return MonoTime(seconds(s)); }
WallTime at(int s) { return WallTime(seconds(s)); }

} // namespace

TEST_CASE("namesake: the second report in our name is another process, said once") {
    Namesake namesake;
    CHECK(namesake.note(true, after(10), at(110)) == Change::none);
    CHECK_FALSE(namesake.since());
    CHECK(namesake.note(true, after(20), at(120)) == Change::appeared);
    CHECK(namesake.since() == at(120));
    CHECK(namesake.note(true, after(30), at(130)) == Change::none);
    CHECK(namesake.since() == at(120));
}

TEST_CASE("namesake: gone after a minute without one, and said only if it was said before") {
    Namesake namesake;
    CHECK(namesake.note(true, after(10), at(110)) == Change::none);
    CHECK(namesake.note(false, after(71), at(171)) == Change::none);
    CHECK(namesake.note(true, after(80), at(180)) == Change::none); // the first again
    CHECK(namesake.note(true, after(90), at(190)) == Change::appeared);
    CHECK(namesake.note(false, after(149), at(249)) == Change::none);
    CHECK(namesake.since());
    CHECK(namesake.note(false, after(150), at(250)) == Change::gone);
    CHECK_FALSE(namesake.since());
    CHECK(namesake.note(false, after(160), at(260)) == Change::none);
}
