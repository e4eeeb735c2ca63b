// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/feed_history.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::fleet;

namespace {

WallTime at(int second) { return WallTime(seconds(second)); }

} // namespace

TEST_CASE("feed history: kept as text, and read again") {
    FeedHistory history;
    CHECK(history.latest() == FeedVersion());
    history.read_up_to({.version = 3, .token = "aa"});
    history.read_up_to({.version = 7, .token = "bb"});
    CHECK(history.text() == "3:aa 7:bb");
    CHECK(FeedHistory(history.text()).versions() == history.versions());
    CHECK(FeedHistory("x 9 :y 4:zz ").text() == "4:zz");
}

TEST_CASE("feed history: back to the newest version that both have") {
    FeedHistory history("3:aa 7:bb 9:cc 12:");
    CHECK(history.common({{3, "aa"}, {7, "bb"}, {9, "other"}}) == FeedVersion{7, "bb"});
    CHECK(history.common({{12, ""}, {9, "x"}}) == FeedVersion()); // what is not known is not common
    history.go_back_to({7, "bb"});
    CHECK(history.latest() == FeedVersion{7, "bb"});
    // The other history's versions take the place of those above.
    history.read_up_to({.version = 8, .token = "dd"});
    CHECK(history.text() == "3:aa 7:bb 8:dd");
    history.go_back_to({});
    CHECK(history.latest() == FeedVersion());
}

TEST_CASE("feed history: 64 versions reach back far") {
    FeedHistory history;
    for (int i = 1; i <= 1'000'000; i++)
        history.read_up_to({.version = i, .token = fmt::format("{}", i)});
    CHECK(history.versions().size() <= FeedHistory::max_kept);
    CHECK(history.versions().front().version < 10);
    // The last half minute, one by one.
    CHECK(history.common({{999'970, "999970"}}).version == 999'970);
}

TEST_CASE("shared keys: what a version and all above it touched, each once") {
    SharedKeys keys(5);
    keys.note(6, {"sts/a.example", {}});
    keys.note(7, {"sts/b.example", {}});
    keys.note(8, {"sts/a.example", at(3)}); // forgotten
    keys.note(8, {"sts/a.example", {}});
    CHECK(keys.above(6).value() ==
          std::vector<RowToOffer>{{"sts/a.example", at(3)}, {"sts/b.example", {}}});
    CHECK(keys.above(8).value().empty());
    CHECK(keys.above(5).value().size() == 2);
    CHECK_FALSE(keys.above(4).has_value()); // of a run before
    for (std::size_t i = 0; i < SharedKeys::max_kept; i++)
        keys.note(9, {"sts/c.example", {}});
    CHECK_FALSE(keys.above(7).has_value()); // too long ago
    CHECK(keys.above(8).value() == std::vector<RowToOffer>{{"sts/c.example", {}}});
}

TEST_CASE("ahead of the feed: what the feed does not bring at its version is to be offered again") {
    AheadOfFeed ahead;
    CHECK(ahead.latest() == 0);
    ahead.note(12, {"sts/a.example", {}});
    ahead.note(13, {"sts/b.example", at(2)});
    ahead.note(14, {"sts/c.example", {}});
    CHECK(ahead.latest() == 14);
    CHECK(ahead.missed({}, 11).empty());
    // a as it was, b by another history, c not yet.
    CHECK(ahead.missed({{"sts/a.example", 12}, {"sts/b.example", 11}}, 13) ==
          std::vector<RowToOffer>{{"sts/b.example", at(2)}});
    CHECK(ahead.latest() == 14);
    CHECK(ahead.missed({{"sts/d.example", 14}}, 20) ==
          std::vector<RowToOffer>{{"sts/c.example", {}}});
    CHECK(ahead.latest() == 0);
    ahead.note(21, {"sts/e.example", {}});
    CHECK(ahead.take_all() == std::vector<RowToOffer>{{"sts/e.example", {}}});
    CHECK(ahead.take_all().empty());
}
