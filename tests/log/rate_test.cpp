// SPDX-License-Identifier: BSD-3-Clause
#include "log/rate.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace postseal;
using namespace std::chrono_literals;
using log::Kind;
using log::Level;
using log::Rate;

namespace {

constexpr MonoTime start{100h};
const Kind downgrade{.event = "downgrade", .level = Level::warning, .field = {}, .value = {}};

Kind tempfail(int row) {
    return {
        .event = "tempfail", .level = Level::warning, .field = "row", .value = std::to_string(row)};
}

int admitted(Rate& rate, const Kind& kind, int times, MonoTime now) {
    int count = 0;
    for (int i = 0; i < times; i++)
        count += rate.admits(kind, now) ? 1 : 0;
    return count;
}

} // namespace

TEST_CASE("ten lines a minute, and then how many more there were, once") {
    Rate rate{Rate::Limits{}};
    CHECK(admitted(rate, downgrade, 100'000, start) == 10);
    CHECK(rate.next_end() == start + 60s);
    CHECK(rate.take_ended(start + 59s).empty());
    CHECK(rate.take_ended(start + 60s) == std::vector<Rate::Held>{{downgrade, 99'990}});
    CHECK(rate.take_ended(start + 120s).empty());
    CHECK(admitted(rate, downgrade, 11, start + 61s) == 10);
}

TEST_CASE("a window that gave way to the next is told all the same") {
    Rate rate{Rate::Limits{}};
    admitted(rate, downgrade, 12, start);
    CHECK(rate.admits(downgrade, start + 70s));
    CHECK(rate.take_ended(start + 71s) == std::vector<Rate::Held>{{downgrade, 2}});
}

TEST_CASE("what comes now and then is never held back") {
    Rate rate{Rate::Limits{}};
    for (int i = 0; i < 1000; i++)
        CHECK(rate.admits(downgrade, start + i * 7s));
    CHECK(rate.take_ended(MonoTime::max()).empty());
}

TEST_CASE("another reason has lines of its own") {
    Rate rate{Rate::Limits{}};
    CHECK(admitted(rate, tempfail(3), 50, start) == 10);
    CHECK(admitted(rate, tempfail(5), 50, start) == 10);
    CHECK(rate.take_ended(MonoTime::max()) ==
          std::vector<Rate::Held>{{tempfail(3), 40}, {tempfail(5), 40}});
}

TEST_CASE("memory is bounded: too many kinds of an event are counted together") {
    Rate rate{{.lines = 10, .window = 60s, .kinds = 20}};
    int count = 0;
    for (int row = 0; row < 10'000; row++)
        count += rate.admits(tempfail(row), start) ? 1 : 0;
    CHECK(count == 30);
    CHECK(rate.kinds() == 21);
    const Kind together{.event = "tempfail", .level = Level::warning, .field = {}, .value = {}};
    CHECK(rate.take_ended(MonoTime::max()) == std::vector<Rate::Held>{{together, 9970}});
    CHECK(rate.kinds() == 0);
}

TEST_CASE("kinds whose time is over make room") {
    Rate rate{{.lines = 1, .window = 60s, .kinds = 2}};
    CHECK(rate.admits(tempfail(1), start));
    CHECK(rate.admits(tempfail(2), start));
    CHECK(rate.admits(tempfail(3), start + 61s));
    CHECK(rate.kinds() == 1);
}

TEST_CASE("the class of reason") {
    const std::vector<log::Field> fetch{{"domain", "d"}, {"fault", "dns"}, {"reason", "r"}};
    CHECK(log::kind_of({Level::debug, "policy-fetch-failed", fetch}).value == "dns");
    const std::vector<log::Field> reason{{"reason", "disk full"}};
    CHECK(log::kind_of({Level::error, "store", reason}).value == "disk full");
    CHECK(log::kind_of({Level::warning, "dns", reason}).field.empty());
}
