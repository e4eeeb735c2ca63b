// SPDX-License-Identifier: BSD-3-Clause
#include "async/limiter.h"

#include "async/group.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;
using test::VirtualLoop;

namespace {

Task<> use(Loop& loop, Limiter& limiter, milliseconds span, int name, std::vector<int>& log) {
    const auto permit = co_await limiter.acquire();
    log.push_back(name);
    co_await Sleep(loop, span);
}
Task<> release_early(Loop& loop, Limiter& limiter, int& step) {
    auto permit = co_await limiter.acquire();
    permit.release();
    permit.release();
    step = 1;
    auto again = co_await limiter.acquire();
    permit = std::move(again);
    co_await Sleep(loop, 1ms);
    step = 2;
}
Task<> use_as(Loop& loop, Limiter& limiter, const int& client, int name, std::vector<int>& log) {
    const auto permit = co_await limiter.acquire(&client);
    log.push_back(name);
    co_await Sleep(loop, 10ms);
}
using Log = std::vector<int>;

} // namespace

TEST_CASE("limiter: n at once, the rest in the order in which they asked") {
    VirtualLoop loop;
    Limiter limiter(loop, 2);
    Log log;
    Group group(loop);
    for (int i = 0; i < 6; i++)
        group.start(use(loop, limiter, 10ms, i, log));
    CHECK(limiter.in_use() == 2);
    CHECK(limiter.waiting() == 4);
    CHECK(log == Log{0, 1});
    loop.advance(10ms);
    CHECK(log == Log{0, 1, 2, 3});
    CHECK(limiter.waiting() == 2);
    loop.advance(20ms);
    CHECK(log == Log{0, 1, 2, 3, 4, 5});
    CHECK(limiter.in_use() == 0);
    CHECK(limiter.waiting() == 0);
}

TEST_CASE("limiter: who asks when a permit has been handed on waits behind") {
    VirtualLoop loop;
    Limiter limiter(loop, 1);
    Log log;
    Group group(loop);
    group.start(use(loop, limiter, 10ms, 0, log));
    group.start(use(loop, limiter, 10ms, 1, log));
    loop.turn(); // the time of 0 has come
    loop.turn(); // 0 gives its permit to 1, which is posted
    loop.turn();
    group.start(use(loop, limiter, 10ms, 2, log));
    CHECK(limiter.in_use() == 1);
    loop.advance(1h);
    CHECK(log == Log{0, 1, 2});
}

TEST_CASE("limiter: a cancelled waiter leaves the queue in order, wherever it stood") {
    for (int gone = 1; gone < 4; gone++) {
        VirtualLoop loop;
        Limiter limiter(loop, 1);
        Log log;
        std::vector<std::unique_ptr<Group>> groups;
        for (int i = 0; i < 4; i++) {
            groups.push_back(std::make_unique<Group>(loop));
            groups.back()->start(use(loop, limiter, 10ms, i, log));
        }
        groups[static_cast<std::size_t>(gone)].reset();
        CHECK(limiter.waiting() == 2);
        loop.advance(1h);
        Log expected{0, 1, 2, 3};
        std::erase(expected, gone);
        CHECK(log == expected);
        CHECK(limiter.in_use() == 0);
    }
}

TEST_CASE("limiter: a waiter cancelled with its permit in hand passes it on") {
    VirtualLoop loop;
    Limiter limiter(loop, 1);
    Log log;
    std::optional<Group> holder(std::in_place, loop);
    std::optional<Group> handed(std::in_place, loop);
    Group last(loop);
    holder->start(use(loop, limiter, 10ms, 0, log));
    handed->start(use(loop, limiter, 10ms, 1, log));
    last.start(use(loop, limiter, 10ms, 2, log));
    holder.reset(); // cancelled, too: the permit goes to 1
    CHECK(limiter.in_use() == 1);
    CHECK(limiter.waiting() == 1);
    handed.reset(); // before it has been resumed: to 2
    CHECK(limiter.in_use() == 1);
    CHECK(limiter.waiting() == 0);
    loop.advance(10ms);
    CHECK(log == Log{0, 2});
    CHECK(limiter.in_use() == 0);
}

TEST_CASE("limiter: a permit can be given back early, and moved") {
    VirtualLoop loop;
    Limiter limiter(loop, 1);
    int step = 0;
    Group group(loop);
    group.start(release_early(loop, limiter, step));
    CHECK(step == 1);
    CHECK(limiter.in_use() == 1);
    loop.advance(1ms);
    CHECK(step == 2);
    CHECK(limiter.in_use() == 0);
}

TEST_CASE("limiter: more permits go to those who wait, fewer count from the next that comes back") {
    VirtualLoop loop;
    Limiter limiter(loop, 1);
    Log log;
    Group group(loop);
    for (int i = 0; i < 6; i++)
        group.start(use(loop, limiter, 10ms, i, log));
    limiter.set_permits(3);
    CHECK(limiter.in_use() == 3);
    CHECK(limiter.waiting() == 3);
    loop.advance(5ms);
    CHECK(log == Log{0, 1, 2});
    limiter.set_permits(1);
    CHECK(limiter.in_use() == 3);
    loop.advance(5ms);
    loop.advance(1ms);
    CHECK(log == Log{0, 1, 2, 3});
    CHECK(limiter.in_use() == 1);
    loop.advance(1h);
    CHECK(log == Log{0, 1, 2, 3, 4, 5});
    CHECK(limiter.in_use() == 0);
}

TEST_CASE("limiter: clients take turns, whoever came first and however many wait for one") {
    VirtualLoop loop;
    Limiter limiter(loop, 1);
    Log log;
    const int a = 0;
    const int b = 0;
    const int c = 0;
    Group group(loop);
    for (int i = 10; i < 14; i++)
        group.start(use_as(loop, limiter, a, i, log));
    for (int i = 20; i < 22; i++)
        group.start(use_as(loop, limiter, b, i, log));
    group.start(use_as(loop, limiter, c, 30, log));
    loop.advance(1h);
    CHECK(log == Log{10, 11, 20, 30, 12, 21, 13});
    CHECK(limiter.in_use() == 0);
    CHECK(limiter.waiting() == 0);
}

TEST_CASE("limiter: a client holds no more than its share, the rest is there for others at once") {
    VirtualLoop loop;
    Limiter limiter(loop, 4, 2);
    Log log;
    const int a = 0;
    const int b = 0;
    Group group(loop);
    for (int i = 10; i < 15; i++)
        group.start(use_as(loop, limiter, a, i, log));
    CHECK(log == Log{10, 11});
    group.start(use_as(loop, limiter, b, 20, log));
    CHECK(log == Log{10, 11, 20});
    CHECK(limiter.waiting() == 3);
    loop.advance(10ms);
    CHECK(log == Log{10, 11, 20, 12, 13});
    loop.advance(1h);
    CHECK(log == Log{10, 11, 20, 12, 13, 14});

    // A larger share counts for those who wait.
    for (int i = 30; i < 34; i++)
        group.start(use_as(loop, limiter, a, i, log));
    CHECK(limiter.in_use() == 2);
    limiter.set_permits(4, 4);
    CHECK(limiter.in_use() == 4);
    // And a smaller one for those who hold more.
    for (int i = 40; i < 42; i++)
        group.start(use_as(loop, limiter, a, i, log));
    limiter.set_permits(4, 1);
    loop.advance(10ms);
    CHECK(limiter.in_use() == 1);
    loop.advance(1h);
    CHECK(log.size() == 12);
    CHECK(limiter.waiting() == 0);
}

TEST_CASE("limiter: a client whose waiters are cancelled is not a client any more") {
    VirtualLoop loop;
    Limiter limiter(loop, 1);
    Log log;
    const int a = 0;
    const int b = 0;
    Group holder(loop);
    holder.start(use_as(loop, limiter, a, 1, log));
    std::optional<Group> cancelled(std::in_place, loop);
    for (int i = 0; i < 3; i++)
        cancelled->start(use_as(loop, limiter, b, 2, log));
    CHECK(limiter.waiting() == 3);
    cancelled.reset();
    CHECK(limiter.waiting() == 0);
    holder.start(use_as(loop, limiter, a, 3, log));
    loop.advance(1h);
    CHECK(log == Log{1, 3});
    CHECK(limiter.has_room(&b, 0)); // as one that was never seen
}

TEST_CASE("limiter: where the room is full, who has less than his share may wait") {
    VirtualLoop loop;
    Limiter limiter(loop, 1);
    Log log;
    const int a = 0;
    const int b = 0;
    Group group(loop);
    for (int i = 0; i < 5; i++) // one has the permit
        group.start(use_as(loop, limiter, a, i, log));
    CHECK(limiter.has_room(&a, 5));
    CHECK_FALSE(limiter.has_room(&a, 4));
    CHECK(limiter.has_room(&b, 4));
    group.start(use_as(loop, limiter, b, 9, log));
    CHECK(limiter.has_room(&b, 4)); // two clients, four places, one of them taken
    group.start(use_as(loop, limiter, b, 9, log));
    CHECK_FALSE(limiter.has_room(&b, 4));
    loop.advance(1h);
    CHECK(log.size() == 7);
}
