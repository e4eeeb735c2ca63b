// SPDX-License-Identifier: BSD-3-Clause
#include "async/loop.h"

#include "async/probe.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;
using test::VirtualLoop;

namespace {

// A Ready or Timer with a closure, for tests.
template <class E> struct Entry {
    explicit Entry(std::function<void()> f) : fn(std::move(f)) {}
    Callback callback() {
        return {[](void* self) { static_cast<Entry*>(self)->fn(); }, this};
    }
    std::function<void()> fn;
    E entry;
};
using ReadyEntry = Entry<Ready>;
using TimerEntry = Entry<Timer>;

} // namespace

TEST_CASE("ready: entries are called once, in the order of the posts") {
    VirtualLoop loop;
    std::vector<int> log;
    ReadyEntry a([&] { log.push_back(1); });
    ReadyEntry b([&] { log.push_back(2); });
    ReadyEntry c([&] { log.push_back(3); });
    a.entry.post(loop, a.callback());
    b.entry.post(loop, b.callback());
    c.entry.post(loop, c.callback());
    a.entry.post(loop, a.callback()); // again: to the end
    CHECK(a.entry.posted());
    CHECK(log.empty());
    loop.settle();
    CHECK(log == std::vector<int>{2, 3, 1});
    CHECK_FALSE(a.entry.posted());
    CHECK_FALSE(loop.turn());
}

TEST_CASE("ready: what a callback posts waits for the next turn") {
    VirtualLoop loop;
    int calls = 0;
    ReadyEntry a([&] {
        calls++;
        a.entry.post(loop, a.callback());
    });
    a.entry.post(loop, a.callback());
    CHECK(loop.turn());
    CHECK(calls == 1);
    CHECK(loop.turn());
    CHECK(calls == 2);
}

TEST_CASE("ready: a turn has an end, and what it leaves comes before what was posted meanwhile") {
    VirtualLoop loop;
    std::vector<int> log;
    ReadyEntry late([&] { log.push_back(-1); });
    std::list<ReadyEntry> entries;
    for (int n = 0; n < 2 * Loop::max_in_a_turn; n++) {
        ReadyEntry& entry = entries.emplace_back([&log, &loop, &late, n] {
            log.push_back(n);
            if (n == 0) late.entry.post(loop, late.callback());
        });
        entry.entry.post(loop, entry.callback());
    }
    loop.turn();
    CHECK(log.size() == Loop::max_in_a_turn);
    loop.turn();
    CHECK(log.size() == 2 * Loop::max_in_a_turn);
    CHECK(std::ranges::is_sorted(log));
    loop.settle();
    CHECK(log.back() == -1);
}

TEST_CASE("ready: leaving scope or unlink() withdraws, in the same turn too") {
    VirtualLoop loop;
    int calls = 0;
    {
        ReadyEntry gone([&] { calls++; });
        gone.entry.post(loop, gone.callback());
    }
    auto next = std::make_unique<ReadyEntry>([&] { calls++; });
    ReadyEntry after([&] { calls += 100; });
    ReadyEntry later([&] { calls += 10; });
    ReadyEntry first([&] {
        next.reset();
        after.entry.unlink();
    });
    first.entry.post(loop, first.callback());
    next->entry.post(loop, next->callback());
    after.entry.post(loop, after.callback());
    later.entry.post(loop, later.callback());
    loop.settle();
    CHECK(calls == 10);
}

TEST_CASE("ready: an entry may destroy itself, and be moved to the next turn by another") {
    VirtualLoop loop;
    auto self = std::unique_ptr<ReadyEntry>();
    self = std::make_unique<ReadyEntry>([&] { self.reset(); });
    self->entry.post(loop, self->callback());
    std::vector<int> log;
    ReadyEntry second([&] { log.push_back(2); });
    ReadyEntry first([&] {
        log.push_back(1);
        second.entry.post(loop, second.callback());
    });
    first.entry.post(loop, first.callback());
    second.entry.post(loop, second.callback());
    CHECK(loop.turn());
    CHECK(self == nullptr);
    CHECK(log == std::vector<int>{1});
    CHECK(loop.turn());
    CHECK(log == std::vector<int>{1, 2});
}

TEST_CASE("ready and timer: outlive their loop") {
    auto loop = std::make_unique<VirtualLoop>();
    ReadyEntry ready([] { FAIL("called"); });
    TimerEntry waiting([] { FAIL("called"); });
    TimerEntry due([] { FAIL("called"); });
    waiting.entry.start(*loop, 5ms, waiting.callback());
    due.entry.start(*loop, 0ms, due.callback());
    CHECK(loop->turn()); // due is posted, not called
    ready.entry.post(*loop, ready.callback());
    loop.reset();
    CHECK_FALSE(ready.entry.posted());
    CHECK_FALSE(waiting.entry.active());
    due.entry.stop();
    VirtualLoop next;
    due.entry.start(next, 1ms, {[](void*) {}, nullptr});
    waiting.entry.start(next, 1ms, {[](void*) {}, nullptr});
    next.advance(1ms);
    CHECK_FALSE(due.entry.active());
}

TEST_CASE("timer: called at its time, once, in the order of times and then of starts") {
    VirtualLoop loop;
    const MonoTime start = loop.now();
    std::vector<std::pair<int, milliseconds>> log;
    std::vector<std::unique_ptr<TimerEntry>> timers;
    const std::vector<milliseconds> delays{5ms, 1ms, 5ms, 3ms, 5ms, 1ms};
    for (int i = 0; i < 6; i++) {
        timers.push_back(
            std::make_unique<TimerEntry>([&, i] { log.emplace_back(i, loop.now() - start); }));
        timers.back()->entry.start(loop, delays[static_cast<std::size_t>(i)],
                                   timers.back()->callback());
    }
    loop.advance(1h);
    const std::vector<std::pair<int, milliseconds>> expected{{1, 1ms}, {5, 1ms}, {3, 3ms},
                                                             {0, 5ms}, {2, 5ms}, {4, 5ms}};
    CHECK(log == expected);
    CHECK_FALSE(timers[0]->entry.active());
}

TEST_CASE("timer: stop, restart and destruction withdraw, when it is due too") {
    VirtualLoop loop;
    int calls = 0;
    TimerEntry stopped([&] { calls += 1; });
    TimerEntry restarted([&] { calls += 10; });
    auto destroyed = std::make_unique<TimerEntry>([&] { calls += 100; });
    TimerEntry moved([&] { calls += 1000; });
    TimerEntry first([&] {
        CHECK(stopped.entry.active());
        stopped.entry.stop();
        stopped.entry.stop();
        destroyed.reset();
        moved.entry.start(loop, 7ms, moved.callback());
    });
    first.entry.start(loop, 5ms, first.callback());
    stopped.entry.start(loop, 5ms, stopped.callback());
    destroyed->entry.start(loop, 5ms, destroyed->callback());
    moved.entry.start(loop, 5ms, moved.callback());
    restarted.entry.start(loop, 5ms, restarted.callback());
    restarted.entry.start(loop, 9ms, restarted.callback());
    loop.advance(5ms);
    CHECK(calls == 0);
    loop.advance(4ms);
    CHECK(calls == 10);
    loop.advance(3ms);
    CHECK(calls == 1010);
    CHECK_FALSE(loop.turn());
}

TEST_CASE("timer: re-armed in its own callback, and destroyed in it") {
    VirtualLoop loop;
    const MonoTime start = loop.now();
    std::vector<milliseconds> at;
    auto timer = std::unique_ptr<TimerEntry>();
    timer = std::make_unique<TimerEntry>([&] {
        CHECK_FALSE(timer->entry.active());
        at.push_back(loop.now() - start);
        if (at.size() < 3)
            timer->entry.start(loop, 10ms, timer->callback());
        else
            timer.reset();
    });
    timer->entry.start(loop, 10ms, timer->callback());
    loop.advance(1h);
    CHECK(at == std::vector<milliseconds>{10ms, 20ms, 30ms});
    CHECK(timer == nullptr);
}

TEST_CASE("timer: no delay means the next turn, and does not shut out others") {
    VirtualLoop loop;
    int spins = 0;
    int others = 0;
    TimerEntry spinner([&] {
        if (++spins < 1000) spinner.entry.start(loop, 0ms, spinner.callback());
    });
    TimerEntry other([&] { others = spins; });
    spinner.entry.start(loop, -5ms, spinner.callback());
    other.entry.start(loop, 0ms, other.callback());
    loop.advance(0ms);
    CHECK(others == 1);
    CHECK(spins == 1000);
}

TEST_CASE("timer: the longest delay is never, not an overflow") {
    VirtualLoop loop;
    TimerEntry never([] { FAIL("called"); });
    never.entry.start(loop, milliseconds::max(), never.callback());
    loop.advance(std::chrono::years(1000));
    CHECK(never.entry.active());
}

namespace {

Task<> sleep_to(Loop& loop, milliseconds delay, bool& woke) {
    co_await Sleep(loop, delay);
    woke = true;
}

} // namespace

TEST_CASE("sleep: wakes at its time, and never once it is cancelled") {
    VirtualLoop loop;
    bool woke = false;
    bool cancelled = false;
    Group group(loop);
    group.start(sleep_to(loop, 10ms, woke));
    auto doomed = std::make_unique<Group>(loop);
    doomed->start(sleep_to(loop, 10ms, cancelled));
    loop.advance(9ms);
    CHECK_FALSE(woke);
    doomed.reset();
    loop.advance(1h);
    CHECK(woke);
    CHECK_FALSE(cancelled);
}

TEST_CASE("loop: a callback that throws ends the process") {
    CHECK(test::ends_process([] {
        VirtualLoop loop;
        ReadyEntry bad([] { throw std::logic_error("a bug"); });
        bad.entry.post(loop, bad.callback());
        loop.settle();
    }));
    CHECK_FALSE(test::ends_process([] {}));
}
