// Cancellation at every suspension point: each script is run again and again in a new world and
// destroyed after 0, 1, 2 ... turns of the loop until one run ends by itself. Afterwards no frame
// may be alive, nothing may be left on the loop, and the sanitizers must have nothing to say.
// SPDX-License-Identifier: BSD-3-Clause
#include "async/block_on.h"
#include "async/limiter.h"
#include "async/loop_thread.h"
#include "async/probe.h"
#include "async/timeout.h"
#include "async/worker.h"
#include "support/flag.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;
using test::Flag;
using test::Live;
using test::VirtualLoop;

namespace {

// The scripts that any loop can run.

Task<int> nap(Loop& loop, milliseconds span, Live) {
    co_await Sleep(loop, span);
    co_return 1;
}
Task<> nap_only(Loop& loop, milliseconds span, Live) { co_await Sleep(loop, span); }
Task<int> nap_deep(Loop& loop, int depth, Live live) {
    if (depth == 0) co_return co_await nap(loop, 1ms, live);
    const int below = co_await nap_deep(loop, depth - 1, live);
    const int own = co_await nap(loop, 1ms, live);
    co_return below + own;
}
Task<> sleeps(Loop& loop, Live live) {
    const int all = co_await nap_deep(loop, 3, live);
    CHECK(all == 4);
}

Task<> group_of_naps(Loop& loop, Live live) {
    Group group(loop);
    for (int i = 0; i < 4; i++)
        group.start(nap_only(loop, milliseconds(i / 2), live));
    co_await group.join();
    CHECK(group.size() == 0);
    group.start(nap_only(loop, 1ms, live));
    group.start(nap_only(loop, 9ms, live)); // left to the group's end
    co_await Sleep(loop, 2ms);
}

Task<> timeouts(Loop& loop, Live live) {
    const auto in_time = co_await with_timeout(loop, nap(loop, 1ms, live), 50ms);
    CHECK(in_time == 1);
    const auto late = co_await with_timeout(loop, nap(loop, 1h, live), 2ms);
    CHECK_FALSE(late.has_value());
    const bool ended = co_await with_timeout(loop, nap_only(loop, 1h, live), 0ms);
    CHECK_FALSE(ended);
}

Task<> take_turn(Loop& loop, Limiter& limiter, Live) {
    const auto permit = co_await limiter.acquire();
    co_await Sleep(loop, 1ms);
}
Task<> limited(Loop& loop, Live live) {
    Limiter limiter(loop, 2);
    Group group(loop);
    for (int i = 0; i < 5; i++)
        group.start(take_turn(loop, limiter, live));
    const bool in_time = co_await with_timeout(loop, take_turn(loop, limiter, live), 1ms);
    CHECK_FALSE(in_time);
    co_await group.join();
    CHECK(limiter.in_use() == 0);
}

Task<int> fail(Loop& loop, Live) {
    co_await Sleep(loop, 1ms);
    throw std::out_of_range("as told");
}
Task<> failing(Loop& loop, Live live) {
    int caught = 0;
    try {
        co_await fail(loop, live);
    } catch (const std::out_of_range&) {
        caught++;
    }
    try {
        co_await with_timeout(loop, fail(loop, live), 50ms);
    } catch (const std::out_of_range&) {
        caught++;
    }
    co_await Sleep(loop, 1ms);
    CHECK(caught == 2);
}

Task<> nested(Loop& loop, int depth, Live live) {
    Limiter limiter(loop, 1); // outlives those who use it
    Group group(loop);
    group.start(take_turn(loop, limiter, live));
    group.start(take_turn(loop, limiter, live));
    if (depth > 0) {
        const bool in_time = co_await with_timeout(loop, nested(loop, depth - 1, live), 10s);
        CHECK(in_time);
        const bool cut = co_await with_timeout(loop, nested(loop, 0, live), 1ms);
        CHECK_FALSE(cut);
    }
    co_await group.join();
}
Task<> nested_twice(Loop& loop, Live live) { co_await nested(loop, 2, live); }

using Script = Task<> (*)(Loop&, Live);
struct Named {
    const char* name;
    Script script;
    int points; // at least so many turns to cancel at, or the script is not what it was
};
constexpr std::array<Named, 6> scripts{{{"sleeps", sleeps, 8},
                                        {"group", group_of_naps, 8},
                                        {"timeouts", timeouts, 8},
                                        {"limiter", limited, 9},
                                        {"exceptions", failing, 6},
                                        {"nested", nested_twice, 12}}};

// Ends the script after k turns; whether it had ended by itself.
template <class Turn> bool run_and_cancel(Task<> body, int k, Turn turn) {
    Flag flag;
    const Driver driver = drive(flag, std::move(body));
    for (int i = 0; i < k && !flag.set; i++)
        turn();
    return flag.set;
}

Task<> sleep(Loop& loop, milliseconds span) { co_await Sleep(loop, span); }

} // namespace

TEST_CASE("cancel: each script after each number of turns, in virtual time") {
    for (const Named& named : scripts) {
        CAPTURE(named.name);
        int k = 0;
        for (bool ended = false; !ended; k++) {
            CAPTURE(k);
            VirtualLoop loop;
            int live = 0;
            ended =
                run_and_cancel(named.script(loop, Live(live)), k, [&] { REQUIRE(loop.turn()); });
            CHECK(live == 0);
            CHECK_FALSE(loop.turn());
        }
        CHECK(k >= named.points);
    }
}

TEST_CASE("cancel: each script at each instant, before all else that is due in that turn") {
    for (const Named& named : scripts) {
        CAPTURE(named.name);
        milliseconds at = 0ms;
        for (bool ended = false; !ended; at += 1ms) {
            CAPTURE(at.count());
            VirtualLoop loop;
            int live = 0;
            Flag flag;
            std::optional<Driver> driver;
            Timer killer; // started first, so called first among those of its time
            killer.start(
                loop, at,
                {[](void* p) { static_cast<std::optional<Driver>*>(p)->reset(); }, &driver});
            driver.emplace(drive(flag, named.script(loop, Live(live))));
            while (driver.has_value())
                REQUIRE(loop.turn());
            ended = flag.set;
            CHECK(live == 0);
            CHECK_FALSE(loop.turn());
        }
        CHECK(at > 2ms);
    }
}

TEST_CASE("cancel: each script after each number of turns of libuv's loop") {
    for (const Named& named : scripts) {
        CAPTURE(named.name);
        int k = 0;
        for (bool ended = false; !ended; k++) {
            CAPTURE(k);
            UvLoop loop;
            int live = 0;
            ended = run_and_cancel(named.script(loop, Live(live)), k, [&] { loop.run_once(); });
            CHECK(live == 0);
            block_on(loop, sleep(loop, 1ms));
        }
        CHECK(k >= 3); // libuv does more in a turn
    }
}

// What only libuv's loop has.

namespace {

struct Pipe {
    std::array<int, 2> ends{};
    Pipe() { REQUIRE(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(ends[0]);
        close(ends[1]);
    }
};

struct Service {
    UvLoop& loop;
    Task<int> work(milliseconds span) {
        co_await Sleep(loop, span);
        co_return 5;
    }
};
using Thread = LoopThread<Service>;

struct UvWorld {
    UvLoop loop;
    Pipe there;
    Pipe back;
    Worker worker{loop};
    std::unique_ptr<Thread> thread;
    UvWorld() {
        auto opened =
            Thread::open(loop, [](UvLoop& other) { return std::make_unique<Service>(other); });
        thread = std::move(*opened);
    }
};

Task<char> get(UvLoop& loop, int fd, Live) {
    char c = 0;
    co_await FdReady(loop, fd, FdWatch::readable);
    CHECK(read(fd, &c, 1) == 1);
    co_return c;
}
Task<> put(UvLoop& loop, int fd, char c, Live) {
    co_await FdReady(loop, fd, FdWatch::writable);
    CHECK(write(fd, &c, 1) == 1);
}
Task<> echo(UvWorld& world, Live live) {
    const char c = co_await get(world.loop, world.there.ends[0], live);
    co_await put(world.loop, world.back.ends[1], c, live);
}
Task<> ping(UvWorld& world, Live live) {
    Group group(world.loop);
    group.start(echo(world, live));
    co_await put(world.loop, world.there.ends[1], 'p', live);
    const char c = co_await get(world.loop, world.back.ends[0], live);
    CHECK(c == 'p');
    co_await group.join();
}

Task<> work(UvWorld& world, Live) {
    for (int i = 0; i < 3; i++) {
        std::move_only_function<std::unique_ptr<int>()> job = [i] {
            return std::make_unique<int>(i);
        };
        const auto result = co_await world.worker.call<std::unique_ptr<int>>(std::move(job));
        CHECK(*result == i);
    }
}

Task<> work_there(UvWorld& world, Live) {
    for (int i = 0; i < 3; i++) {
        Thread::Work<int> job = [i](UvLoop&, Service& service) {
            return service.work(milliseconds(i));
        };
        const int result = co_await world.thread->call<int>(std::move(job));
        CHECK(result == 5);
    }
}

Task<> all_of_it(UvWorld& world, Live live) {
    Group group(world.loop);
    group.start(ping(world, live));
    group.start(work(world, live));
    group.start(work_there(world, live));
    const bool in_time = co_await with_timeout(world.loop, work_there(world, live), 2ms);
    static_cast<void>(in_time); // as it comes
    co_await group.join();
}
Task<> all_in_time(UvWorld& world, Live live) {
    const bool in_time = co_await with_timeout(world.loop, all_of_it(world, live), 10s);
    CHECK(in_time);
}

} // namespace

TEST_CASE("cancel: descriptors, worker and loop thread after each number of turns") {
    struct UvNamed {
        const char* name;
        Task<> (*script)(UvWorld&, Live);
    };
    const std::array<UvNamed, 4> uv_scripts{
        {{"descriptors", ping}, {"worker", work}, {"thread", work_there}, {"all", all_in_time}}};
    for (const UvNamed& named : uv_scripts) {
        CAPTURE(named.name);
        int k = 0;
        for (bool ended = false; !ended; k++) {
            CAPTURE(k);
            UvWorld world;
            int live = 0;
            ended =
                run_and_cancel(named.script(world, Live(live)), k, [&] { world.loop.run_once(); });
            CHECK(live == 0);
            block_on(world.loop, sleep(world.loop, 1ms));
        }
        CHECK(k >= 3);
    }
}
