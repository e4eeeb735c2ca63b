// SPDX-License-Identifier: BSD-3-Clause
#include "support/virtual_loop.h"

#include "async/probe.h"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <vector>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;
using test::VirtualLoop;

namespace {

Task<int> later(Loop& loop, milliseconds delay, int value) {
    co_await Sleep(loop, delay);
    co_return value;
}

Task<> note(Loop& loop, milliseconds delay, std::vector<MonoTime>& times) {
    co_await Sleep(loop, delay);
    times.push_back(loop.now());
}

Task<> wait_for_ever() { co_await test::never(); }

Task<> fail() {
    throw std::logic_error("as told");
    co_return;
}

Task<> spin(Loop& loop) {
    for (;;)
        co_await Sleep(loop, 0ms);
}

Task<> tick(Loop& loop) {
    for (;;)
        co_await Sleep(loop, 1h);
}

} // namespace

TEST_CASE("virtual loop: time jumps to the next timer and no further") {
    VirtualLoop loop;
    const MonoTime start = loop.now();
    CHECK(loop.run_until_done(later(loop, 25h, 7)) == 7);
    CHECK(loop.now() - start == 25h);
}

TEST_CASE("virtual loop: a body that cannot go on is a deadlock") {
    VirtualLoop loop;
    CHECK_THROWS_WITH_AS(loop.run_until_done(wait_for_ever()), doctest::Contains("deadlock"),
                         std::runtime_error);
}

TEST_CASE("virtual loop: what the body throws leaves") {
    VirtualLoop loop;
    CHECK_THROWS_AS(loop.run_until_done(fail()), std::logic_error);
}

TEST_CASE("virtual loop: spins and endless timers end the test") {
    VirtualLoop loop;
    CHECK_THROWS_WITH_AS(loop.run_until_done(spin(loop)), doctest::Contains("spin"),
                         std::runtime_error);
    CHECK_THROWS_WITH_AS(loop.run_until_done(tick(loop), 10h), doctest::Contains("limit"),
                         std::runtime_error);
}

TEST_CASE("virtual loop: advance runs each thing at its time") {
    VirtualLoop loop;
    const MonoTime start = loop.now();
    std::vector<MonoTime> times;
    Group group(loop);
    group.start(note(loop, 3ms, times));
    group.start(note(loop, 1ms, times));
    group.start(note(loop, 11ms, times));
    loop.advance(10ms);
    CHECK(times == std::vector<MonoTime>{start + 1ms, start + 3ms});
    CHECK(loop.now() - start == 10ms);
    loop.advance(1ms);
    CHECK(times.size() == 3);
    CHECK(group.size() == 0);
    CHECK_FALSE(loop.turn());
}
