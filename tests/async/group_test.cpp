// SPDX-License-Identifier: BSD-3-Clause
#include "async/group.h"

#include "async/probe.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <vector>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;
using test::Live;
using test::VirtualLoop;

namespace {

Task<> nap(Loop& loop, milliseconds delay, Live) { co_await Sleep(loop, delay); }
Task<> at_once(Live) { co_return; }
Task<> log_at(Loop& loop, milliseconds delay, int name, std::vector<int>& log) {
    co_await Sleep(loop, delay);
    log.push_back(name);
}
Task<> join(Group& group, bool& joined) {
    co_await group.join();
    joined = true;
}

} // namespace

TEST_CASE("group: starts each body at once and joins when all have ended") {
    VirtualLoop loop;
    int live = 0;
    bool joined = false;
    Group group(loop);
    Group joiner(loop);
    group.start(nap(loop, 2ms, Live(live)));
    group.start(at_once(Live(live)));
    group.start(nap(loop, 9ms, Live(live)));
    joiner.start(join(group, joined));
    CHECK(group.size() == 3);
    loop.settle();
    CHECK(group.size() == 2);
    loop.advance(8ms);
    CHECK(group.size() == 1);
    CHECK(live == 1);
    CHECK_FALSE(joined);
    loop.advance(1ms);
    CHECK(joined);
    CHECK(live == 0);
}

TEST_CASE("group: joining an empty one does not wait") {
    VirtualLoop loop;
    bool joined = false;
    Group group(loop);
    loop.run_until_done(join(group, joined));
    CHECK(joined);
    CHECK_FALSE(loop.turn());
}

TEST_CASE("group: a child started between the last end and the wake is joined too") {
    VirtualLoop loop;
    int live = 0;
    bool joined = false;
    Group group(loop);
    Group joiner(loop);
    group.start(nap(loop, 1ms, Live(live)));
    joiner.start(join(group, joined));
    while (group.size() == 1)
        loop.turn();
    CHECK_FALSE(joined); // the joiner is posted, not resumed
    group.start(nap(loop, 5ms, Live(live)));
    loop.advance(4ms);
    CHECK_FALSE(joined);
    loop.advance(1ms);
    CHECK(joined);
}

TEST_CASE("group: a cancelled joiner leaves the group as it is") {
    VirtualLoop loop;
    int live = 0;
    bool first = false;
    bool second = false;
    Group group(loop);
    group.start(nap(loop, 1ms, Live(live)));
    {
        Group joiner(loop);
        joiner.start(join(group, first));
    }
    Group joiner(loop);
    joiner.start(join(group, second));
    loop.advance(1ms);
    CHECK_FALSE(first);
    CHECK(second);
}

TEST_CASE("group: destroyed with a child in each state") {
    VirtualLoop loop;
    int live = 0;
    {
        Group group(loop);
        group.start(nap(loop, 50ms, Live(live))); // waits
        group.start(nap(loop, 0ms, Live(live)));
        CHECK(loop.turn());               // its timer is due and posted
        group.start(at_once(Live(live))); // ended before it suspended
        CHECK(group.size() == 3);
        CHECK(live == 3);
    }
    CHECK(live == 0);
    {
        Group group(loop);
        group.start(nap(loop, 50ms, Live(live)));
        group.start(nap(loop, 0ms, Live(live)));
        CHECK(loop.turn());
        CHECK(loop.turn()); // ended after it suspended, not yet reaped
        CHECK(group.size() == 2);
        CHECK(live == 2);
    }
    CHECK(live == 0);
    CHECK_FALSE(loop.turn());
}

namespace {

Task<> start_more(Loop& loop, Group& group, int depth, std::vector<int>& log) {
    if (depth > 0) {
        group.start(start_more(loop, group, depth - 1, log));
        co_await Sleep(loop, 1ms);
        group.start(log_at(loop, 1ms, depth, log));
    }
}

} // namespace

TEST_CASE("group: a child may start others in its own group") {
    VirtualLoop loop;
    std::vector<int> log;
    bool joined = false;
    Group group(loop);
    group.start(start_more(loop, group, 3, log));
    loop.run_until_done(join(group, joined));
    CHECK(log == std::vector<int>{1, 2, 3});
    CHECK(joined);
}

namespace {

Task<> throws(Loop& loop) {
    co_await Sleep(loop, 1ms);
    throw std::logic_error("a bug");
}

} // namespace

TEST_CASE("group: what a child throws ends the process") {
    CHECK(test::ends_process([] {
        VirtualLoop loop;
        Group group(loop);
        group.start(throws(loop));
        loop.advance(1ms);
    }));
}

namespace {

struct Killer {
    std::optional<Group>& victim;
    static void kill(void* self) { static_cast<Killer*>(self)->victim.reset(); }
};

} // namespace

TEST_CASE("group: destroyed by another's wake in the turn in which its children are ready") {
    // The killer is called before, between and after the two naps that are due at the same time.
    for (int place = 0; place < 3; place++) {
        VirtualLoop loop;
        int live = 0;
        std::optional<Group> victim(std::in_place, loop);
        Killer killer{victim};
        Timer timer;
        for (int i = 0; i < 3; i++) {
            if (i == place) timer.start(loop, 5ms, {&Killer::kill, &killer});
            if (i < 2) victim->start(nap(loop, 5ms, Live(live)));
        }
        CHECK(live == 2);
        loop.advance(5ms);
        CHECK(live == 0);
        CHECK_FALSE(victim.has_value());
        CHECK_FALSE(loop.turn());
    }
}
