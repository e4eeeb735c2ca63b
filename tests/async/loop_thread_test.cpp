// SPDX-License-Identifier: BSD-3-Clause
#include "async/loop_thread.h"

#include "async/block_on.h"
#include "async/probe.h"
#include "async/timeout.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;

namespace {

// Lives on the other thread; what home looks at is atomic.
struct Witness {
    std::atomic<int> alive = 0; // frames there
    std::atomic<int> begun = 0;
    std::atomic<int> ended = 0;
    std::atomic<bool> service_gone = false;
};

class Kitchen {
  public:
    Kitchen(UvLoop& loop, Witness& witness) : loop_(loop), witness_(witness) {}
    Kitchen(const Kitchen&) = delete;
    Kitchen& operator=(const Kitchen&) = delete;
    ~Kitchen() {
        CHECK(std::this_thread::get_id() == thread_);
        witness_.service_gone = true;
    }

    Task<std::unique_ptr<std::string>> cook(milliseconds span, std::string dish) {
        const Frame frame(*this);
        if (span > 0ms) co_await Sleep(loop_, span);
        CHECK(std::this_thread::get_id() == thread_);
        co_return std::make_unique<std::string>(std::move(dish));
    }
    Task<> wash() {
        const Frame frame(*this);
        co_await Sleep(loop_, 1ms);
    }
    Task<int> burn() {
        const Frame frame(*this);
        co_await Sleep(loop_, 1ms);
        throw std::out_of_range("burnt");
    }

  private:
    struct Frame {
        explicit Frame(Kitchen& k) : kitchen(k) {
            kitchen.witness_.begun++;
            kitchen.witness_.alive++;
        }
        Frame(const Frame&) = delete;
        Frame& operator=(const Frame&) = delete;
        ~Frame() {
            CHECK(std::this_thread::get_id() == kitchen.thread_);
            kitchen.witness_.alive--;
            kitchen.witness_.ended++;
        }
        Kitchen& kitchen;
    };
    UvLoop& loop_;
    Witness& witness_;
    std::thread::id thread_ = std::this_thread::get_id();
};

using Thread = LoopThread<Kitchen>;
using Dish = std::unique_ptr<std::string>;

std::unique_ptr<Thread> open_kitchen(UvLoop& home, Witness& witness) {
    auto opened = Thread::open(
        home, [&witness](UvLoop& loop) { return std::make_unique<Kitchen>(loop, witness); });
    REQUIRE(opened.has_value());
    return std::move(*opened);
}

bool opens(UvLoop& home, Thread::Make make) {
    return Thread::open(home, std::move(make)).has_value();
}

Task<Dish> order(Thread& thread, milliseconds span, std::string dish) {
    Thread::Work<Dish> work = [span, dish](UvLoop&, Kitchen& kitchen) {
        return kitchen.cook(span, dish);
    };
    co_return co_await thread.call<Dish>(std::move(work));
}
Task<> order_into(Thread& thread, milliseconds span, std::string dish,
                  std::vector<std::string>& out) {
    const Dish done = co_await order(thread, span, std::move(dish));
    out.push_back(*done);
}
Task<> wash(Thread& thread) {
    Thread::Work<void> work = [](UvLoop&, Kitchen& kitchen) { return kitchen.wash(); };
    co_await thread.call<void>(std::move(work));
}
Task<int> burn(Thread& thread) {
    Thread::Work<int> work = [](UvLoop&, Kitchen& kitchen) { return kitchen.burn(); };
    co_return co_await thread.call<int>(std::move(work));
}
Task<> sleep_ms(Loop& loop, milliseconds span) { co_await Sleep(loop, span); }
Task<> all_of(Group& group) { co_await group.join(); }

template <class F> Task<> until(Loop& loop, F condition) {
    while (!condition())
        co_await Sleep(loop, 1ms);
}

} // namespace

TEST_CASE("loop thread: work runs there and its result comes home") {
    UvLoop home;
    Witness witness;
    {
        const auto thread = open_kitchen(home, witness);
        CHECK(*block_on(home, order(*thread, 0ms, "at once")) == "at once");
        CHECK(*block_on(home, order(*thread, 2ms, "later")) == "later");
        block_on(home, wash(*thread));
        CHECK(witness.alive == 0);
    }
    CHECK(witness.service_gone);
}

TEST_CASE("loop thread: many at once end in the order of their times") {
    UvLoop home;
    Witness witness;
    const auto thread = open_kitchen(home, witness);
    std::vector<std::string> dishes;
    Group group(home);
    group.start(order_into(*thread, 40ms, "third", dishes));
    group.start(order_into(*thread, 0ms, "first", dishes));
    group.start(order_into(*thread, 20ms, "second", dishes));
    block_on(home, all_of(group));
    CHECK(dishes == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE("loop thread: what the work throws leaves from the await at home") {
    UvLoop home;
    Witness witness;
    const auto thread = open_kitchen(home, witness);
    CHECK_THROWS_AS(block_on(home, burn(*thread)), std::out_of_range);
    CHECK(*block_on(home, order(*thread, 0ms, "next")) == "next");
}

TEST_CASE("loop thread: cancelling at home cancels the work there") {
    UvLoop home;
    Witness witness;
    const auto thread = open_kitchen(home, witness);
    SUBCASE("that is at work") {
        CHECK_FALSE(block_on(home, with_timeout(home, order(*thread, 1h, "never"), 5ms)));
        block_on(home, until(home, [&] { return witness.ended == 1; }));
        CHECK(witness.alive == 0);
    }
    SUBCASE("that has been sent and perhaps not begun") {
        std::vector<std::string> dishes;
        {
            Group group(home);
            for (int i = 0; i < 100; i++)
                group.start(order_into(*thread, 1h, "never", dishes));
        }
        block_on(home, wash(*thread)); // behind the cancellations
        CHECK(witness.begun == 101);
        CHECK(dishes.empty());
    }
    SUBCASE("that has ended there, its result not yet home") {
        std::vector<std::string> dishes;
        {
            Group group(home);
            group.start(order_into(*thread, 0ms, "unseen", dishes));
            while (witness.ended == 0)
                std::this_thread::sleep_for(1ms);
        }
        block_on(home, sleep_ms(home, 2ms));
        CHECK(dishes.empty());
    }
    CHECK(*block_on(home, order(*thread, 0ms, "next")) == "next");
    CHECK(witness.alive == 0);
}

TEST_CASE("loop thread: cancelled at any moment, the two threads agree") {
    UvLoop home;
    Witness witness;
    {
        const auto thread = open_kitchen(home, witness);
        std::vector<std::string> dishes;
        for (int i = 0; i < 200; i++) {
            Group group(home);
            group.start(order_into(*thread, milliseconds(i % 3), "x", dishes));
            group.start(order_into(*thread, 0ms, "y", dishes));
            for (int turns = i % 4; turns > 0 && group.size() > 0; turns--)
                home.run_once();
        }
    }
    CHECK(witness.alive == 0);
    CHECK(witness.begun == witness.ended);
}

TEST_CASE("loop thread: its end cancels what is still at work and waits for it") {
    UvLoop home;
    Witness witness;
    {
        const auto thread = open_kitchen(home, witness);
        std::vector<std::string> dishes;
        Group group(home);
        group.start(order_into(*thread, 1h, "never", dishes));
        block_on(home, wash(*thread));
        CHECK(witness.alive == 1);
    }
    CHECK(witness.alive == 0);
    CHECK(witness.service_gone);
}

TEST_CASE("loop thread: a service that cannot be made is the caller's error") {
    UvLoop home;
    int live = 0;
    const auto failed = Thread::open(
        home,
        [here = test::Live(live)](UvLoop&) -> std::expected<std::unique_ptr<Kitchen>, std::string> {
            return std::unexpected("no gas");
        });
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error() == "no gas");
    CHECK(live == 0);
    Thread::Make throws = [](UvLoop&) -> std::unique_ptr<Kitchen> {
        throw std::out_of_range("no kitchen");
    };
    CHECK_THROWS_AS(opens(home, std::move(throws)), std::out_of_range);
}
