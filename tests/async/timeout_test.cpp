// SPDX-License-Identifier: BSD-3-Clause
#include "async/timeout.h"

#include "async/probe.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;
using test::Live;
using test::VirtualLoop;

namespace {

Task<std::unique_ptr<int>> value_after(Loop& loop, milliseconds delay, Live) {
    if (delay > 0ms) co_await Sleep(loop, delay);
    co_return std::make_unique<int>(7);
}
Task<> end_after(Loop& loop, milliseconds delay, Live) { co_await Sleep(loop, delay); }
Task<int> throw_after(Loop& loop, milliseconds delay, Live) {
    co_await Sleep(loop, delay);
    throw std::out_of_range("from the body");
}

} // namespace

TEST_CASE("timeout: the value when the body ends in time, early or at once") {
    VirtualLoop loop;
    int live = 0;
    const MonoTime start = loop.now();
    for (const milliseconds delay : {0ms, 9ms}) {
        auto value =
            loop.run_until_done(with_timeout(loop, value_after(loop, delay, Live(live)), 10ms));
        const auto seven = std::move(value).value_or(nullptr);
        REQUIRE(seven != nullptr);
        CHECK(*seven == 7);
        CHECK(live == 0);
    }
    CHECK(loop.now() - start == 9ms);
    CHECK_FALSE(loop.turn()); // no timer is left behind
}

TEST_CASE("timeout: nothing when the limit passes, and the body is cancelled by then") {
    VirtualLoop loop;
    int live = 0;
    const MonoTime start = loop.now();
    const auto value =
        loop.run_until_done(with_timeout(loop, value_after(loop, 11ms, Live(live)), 10ms));
    CHECK_FALSE(value.has_value());
    CHECK(loop.now() - start == 10ms);
    CHECK(live == 0);
    CHECK_FALSE(loop.turn());
}

TEST_CASE("timeout: a body without a value tells whether it ended") {
    VirtualLoop loop;
    int live = 0;
    CHECK(loop.run_until_done(with_timeout(loop, end_after(loop, 5ms, Live(live)), 10ms)));
    CHECK_FALSE(loop.run_until_done(with_timeout(loop, end_after(loop, 50ms, Live(live)), 10ms)));
    CHECK(live == 0);
}

TEST_CASE("timeout: a value of the very instant of the limit is not thrown away") {
    VirtualLoop loop;
    int live = 0;
    const auto value =
        loop.run_until_done(with_timeout(loop, value_after(loop, 10ms, Live(live)), 10ms));
    // Both are due in one turn; the waiter runs in the next, and the value is there by then.
    CHECK(value.has_value());
    CHECK(live == 0);
}

TEST_CASE("timeout: no time at all leaves what can be done in this turn") {
    VirtualLoop loop;
    int live = 0;
    for (const milliseconds limit : {0ms, -1ms}) {
        const auto at_once =
            loop.run_until_done(with_timeout(loop, value_after(loop, 0ms, Live(live)), limit));
        CHECK(at_once.has_value());
        const auto later =
            loop.run_until_done(with_timeout(loop, value_after(loop, 1ms, Live(live)), limit));
        CHECK_FALSE(later.has_value());
    }
}

TEST_CASE("timeout: what the body throws leaves from the await; nothing after the limit") {
    VirtualLoop loop;
    int live = 0;
    CHECK_THROWS_AS(
        loop.run_until_done(with_timeout(loop, throw_after(loop, 5ms, Live(live)), 10ms)),
        std::out_of_range);
    CHECK(live == 0);
    CHECK(loop.run_until_done(with_timeout(loop, throw_after(loop, 50ms, Live(live)), 10ms)) ==
          std::nullopt);
    CHECK(live == 0);
}

namespace {

Task<> race_itself(Loop& loop, int& live) {
    Timeout<int> race(loop, throw_after(loop, 1h, Live(live)), 5ms);
    const Outcome<int> outcome = co_await race;
    CHECK(live == 0); // while the race is still there
    CHECK_FALSE(outcome.value.has_value());
    CHECK(outcome.error == nullptr);
}

} // namespace

TEST_CASE("timeout: the body is gone when the waiter goes on, not when the race ends") {
    VirtualLoop loop;
    int live = 0;
    loop.run_until_done(race_itself(loop, live));
}

namespace {

// A timeout within a group within a timeout.
Task<> inner(Loop& loop, milliseconds limit, int& ended, Live live) {
    const bool in_time = co_await with_timeout(loop, end_after(loop, 20ms, live), limit);
    if (in_time) ended++;
}
Task<> fan_out(Loop& loop, int& ended, Live live) {
    Group group(loop);
    group.start(inner(loop, 10ms, ended, live)); // its own limit ends it
    group.start(inner(loop, 30ms, ended, live)); // ends in time
    group.start(inner(loop, 99ms, ended, live));
    co_await group.join();
}

} // namespace

TEST_CASE("timeout: nested, each limit cancels its own body and all below") {
    VirtualLoop loop;
    int live = 0;
    int ended = 0;
    CHECK(loop.run_until_done(with_timeout(loop, fan_out(loop, ended, Live(live)), 21ms)));
    CHECK(ended == 2);
    CHECK(live == 0);
    ended = 0;
    CHECK_FALSE(loop.run_until_done(with_timeout(loop, fan_out(loop, ended, Live(live)), 15ms)));
    CHECK(ended == 0);
    CHECK(live == 0);
    CHECK_FALSE(loop.turn());
}
