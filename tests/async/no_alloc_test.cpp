// Wake-ups cost no memory: counts what operator new gives while coroutines that exist are posted
// and resumed and timers re-armed. A program of its own, because it replaces operator new.
// SPDX-License-Identifier: BSD-3-Clause
#include "async/block_on.h"
#include "async/limiter.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

using namespace postseal;
using namespace postseal::async;
using namespace std::chrono_literals;

namespace {

// One thread; the only state that must be global, because operator new is.
std::size_t allocations = 0;

// What a coroutine waits with when another wakes it.
class Wake {
  public:
    explicit Wake(Loop& loop) : loop_(loop) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) { ready_.post(loop_, Callback::resume(h)); }
    void await_resume() const noexcept {}

  private:
    Loop& loop_;
    Ready ready_;
};

struct Rearm {
    Loop& loop;
    Timer timer;
    int left;
    void start() { timer.start(loop, 1ms, {&Rearm::fire, this}); }
    static void fire(void* p) {
        auto* self = static_cast<Rearm*>(p);
        if (--self->left > 0) self->start();
    }
};

Task<std::size_t> wake_often(Loop& loop) {
    const std::size_t before = allocations;
    for (int i = 0; i < 1000; i++)
        co_await Wake(loop);
    co_return allocations - before;
}
Task<std::size_t> rearm_often(Loop& loop) {
    Rearm rearm{loop, {}, 10};
    rearm.start();
    const std::size_t before = allocations;
    while (rearm.left > 0)
        co_await Wake(loop);
    co_return allocations - before;
}
Task<> alternate(Loop& loop, Limiter& limiter, int times) {
    for (int i = 0; i < times; i++) {
        const auto permit = co_await limiter.acquire();
        co_await Wake(loop);
    }
}
Task<std::size_t> pass_permits(Loop& loop) {
    Limiter limiter(loop, 1);
    Group group(loop);
    group.start(alternate(loop, limiter, 100));
    group.start(alternate(loop, limiter, 100));
    const std::size_t before = allocations;
    while (group.size() > 0)
        co_await Wake(loop);
    co_return allocations - before;
}

} // namespace

void* operator new(std::size_t size) {
    allocations++;
    void* p = std::malloc(size);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("no alloc: the count counts") {
    test::VirtualLoop loop;
    Timer timer;
    const std::size_t first = allocations;
    timer.start(loop, 1ms, {[](void*) {}, nullptr});
    CHECK(allocations == first + 1); // its place among the timers, kept from now on
}

TEST_CASE("no alloc: posting and resuming, re-arming a timer, handing on a permit") {
    SUBCASE("in virtual time") {
        test::VirtualLoop loop;
        CHECK(loop.run_until_done(wake_often(loop)) == 0);
        CHECK(loop.run_until_done(pass_permits(loop)) == 0);
    }
    SUBCASE("on libuv's loop") {
        UvLoop loop;
        CHECK(block_on(loop, wake_often(loop)) == 0);
        CHECK(block_on(loop, rearm_often(loop)) == 0);
        CHECK(block_on(loop, pass_permits(loop)) == 0);
    }
}
