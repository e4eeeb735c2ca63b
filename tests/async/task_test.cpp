// SPDX-License-Identifier: BSD-3-Clause
#include "async/task.h"

#include "async/loop.h"
#include "async/probe.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;
using test::Live;
using test::VirtualLoop;

namespace {

Task<int> number(int value) { co_return value; }
Task<int> number_later(Loop& loop, int value) {
    co_await Sleep(loop, 1ms);
    co_return value;
}
Task<> mark(bool& ran) {
    ran = true;
    co_return;
}
Task<> hold(Live) { co_return; }

} // namespace

TEST_CASE("task: does nothing until it is awaited") {
    bool ran = false;
    VirtualLoop loop;
    auto task = mark(ran);
    CHECK_FALSE(ran);
    loop.run_until_done(std::move(task));
    CHECK(ran);
}

TEST_CASE("task: destroyed before its start runs nothing and frees its parameters") {
    bool ran = false;
    int live = 0;
    {
        const auto task = mark(ran);
        const auto other = hold(Live(live));
        CHECK(live == 1);
    }
    CHECK_FALSE(ran);
    CHECK(live == 0);
}

namespace {

Task<std::unique_ptr<std::string>> text(Loop& loop) {
    co_await Sleep(loop, 1ms);
    co_return std::make_unique<std::string>("sealed");
}
Task<std::expected<int, std::string>> odd(int n) {
    if (n % 2 == 0) co_return std::unexpected("even");
    co_return n;
}
Task<int> sum(Loop& loop) {
    int total = co_await number(1);
    const int next = co_await number_later(loop, 2);
    total += next;
    auto kept = number(4);
    const int last = co_await std::move(kept);
    co_return total + last;
}

} // namespace

TEST_CASE("task: values of all kinds reach the parent") {
    VirtualLoop loop;
    CHECK(loop.run_until_done(sum(loop)) == 7);
    CHECK(*loop.run_until_done(text(loop)) == "sealed");
    CHECK(loop.run_until_done(odd(3)) == 3);
    CHECK(loop.run_until_done(odd(2)).error() == "even");
}

namespace {

Task<int> fail(Loop& loop, bool late, Live) {
    if (late) co_await Sleep(loop, 1ms);
    throw std::out_of_range("late or early");
}
Task<int> pass_on(Loop& loop, bool late, int& live) {
    const Live here(live);
    co_return co_await fail(loop, late, Live(live));
}
Task<std::string> catch_it(Loop& loop, bool late, int& live) {
    std::string what;
    try {
        co_await pass_on(loop, late, live);
    } catch (const std::out_of_range& e) {
        what = e.what();
    }
    co_await Sleep(loop, 1ms);
    co_return what;
}

} // namespace

TEST_CASE("task: an exception passes to who awaits, early or late") {
    VirtualLoop loop;
    int live = 0;
    for (const bool late : {false, true}) {
        CHECK_THROWS_AS(loop.run_until_done(pass_on(loop, late, live)), std::out_of_range);
        CHECK(loop.run_until_done(catch_it(loop, late, live)) == "late or early");
        CHECK(live == 0);
    }
}

TEST_CASE("task: moves, and a move assignment cancels what was there") {
    VirtualLoop loop;
    int first = 0;
    int second = 0;
    auto task = hold(Live(first));
    auto other = hold(Live(second));
    task = std::move(other);
    CHECK(first == 0);
    CHECK(second == 1);
    auto& same = task;
    task = std::move(same);
    CHECK(second == 1);
    loop.run_until_done(std::move(task));
    CHECK(second == 0);
}

namespace {

struct Order {
    std::vector<std::string>& log;
    std::string name;
    ~Order() { log.push_back(name); }
};
Task<> inner(std::vector<std::string>& log) {
    const Order here{log, "inner"};
    co_await test::never();
}
Task<> middle(std::vector<std::string>& log) {
    const Order here{log, "middle"};
    co_await inner(log);
}
Task<> outer(std::vector<std::string>& log) {
    const Order here{log, "outer"};
    co_await middle(log);
}

} // namespace

TEST_CASE("task: cancelling unwinds from the innermost child outwards") {
    std::vector<std::string> log;
    {
        VirtualLoop loop;
        Group group(loop);
        group.start(outer(log));
        loop.settle();
        CHECK(log.empty());
    }
    CHECK(log == std::vector<std::string>{"inner", "middle", "outer"});
}

namespace {

Task<long> count_up(int times) {
    long total = 0;
    for (int i = 0; i < times; i++) {
        const int one = co_await number(1);
        total += one;
    }
    co_return total;
}
Task<long> count_after_sleep(Loop& loop, int times) {
    co_await Sleep(loop, 1ms);
    co_return co_await count_up(times);
}
Task<long> count_late(Loop& loop, int times) {
    long total = 0;
    for (int i = 0; i < times; i++) {
        const int one = co_await number_later(loop, 1);
        total += one;
    }
    co_return total;
}
Task<long> nest(Loop& loop, int depth) {
    if (depth == 0) {
        co_await Sleep(loop, 1ms);
        co_return 0;
    }
    const long below = co_await nest(loop, depth - 1);
    co_return below + 1;
}

} // namespace

TEST_CASE("task: a million awaits that never suspend do not use up the stack") {
    VirtualLoop loop;
    CHECK(loop.run_until_done(count_up(1'000'000)) == 1'000'000);
    CHECK(loop.run_until_done(count_after_sleep(loop, 1'000'000)) == 1'000'000);
}

TEST_CASE("task: nor do a hundred thousand that do, or a deep nest that ends at once") {
    VirtualLoop loop;
    CHECK(loop.run_until_done(count_late(loop, 100'000)) == 100'000);
    CHECK(loop.run_until_done(nest(loop, 1'000)) == 1'000);
}
