// SPDX-License-Identifier: BSD-3-Clause
#include "store/lost_promises.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::store;

namespace {

MonoTime at_second(int second) { return MonoTime(seconds(second)); }

} // namespace

TEST_CASE("a lost promise is one until it would have expired, or is known again") {
    LostPromises lost;
    lost.add("a.example", at_second(0), at_second(10));
    lost.add("b.example", at_second(0), at_second(10));
    CHECK(lost.has("a.example", at_second(9)));
    CHECK_FALSE(lost.has("a.example", at_second(10)));
    CHECK_FALSE(lost.has("c.example", at_second(9)));
    lost.drop("b.example");
    CHECK_FALSE(lost.has("b.example", at_second(9)));
    CHECK_FALSE(lost.may_have_any(at_second(9)));
}

TEST_CASE("more lost promises than are kept by name: any name may have had one") {
    LostPromises lost;
    for (std::size_t i = 0; i < LostPromises::max_names; i++)
        lost.add(fmt::format("{}.example", i), at_second(0), at_second(10));
    CHECK_FALSE(lost.may_have_any(at_second(0)));
    lost.add("one.more.example", at_second(1), at_second(8));
    CHECK(lost.may_have_any(at_second(7)));
    CHECK_FALSE(lost.may_have_any(at_second(8)));
    // Those that have expired give their room back.
    lost.add("later.example", at_second(10), at_second(20));
    CHECK(lost.has("later.example", at_second(11)));
    CHECK_FALSE(lost.may_have_any(at_second(11)));
}
