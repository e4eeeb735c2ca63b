// async/loop.h: one thread's loop, seen by coroutine code: a clock, timers and a ready queue
//
// UvLoop (uv_loop.h) turns it with libuv; the tests' VirtualLoop turns it with time of its own.
// Ready and Timer are members of whoever waits: leaving scope withdraws them, so a cancelled
// coroutine is never resumed. Every coroutine is resumed from the ready queue, never from inside
// another: who has something for a waiter posts it. What is ready runs in the order of the posts,
// at most 16 in one turn; the rest, and what that makes ready, waits for the next turn, after input
// and output, so that no run of wake-ups keeps a client waiting. Posting and re-arming a timer
// allocate nothing. Everything here belongs to the loop's thread. A callback that throws ends the
// process.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/ring.h"
#include "postseal/base/time.h"

#include <coroutine>
#include <cstdint>
#include <optional>
#include <set>

namespace postseal::async {

class Loop;

// What is called: a plain function and its argument, so that a wake-up allocates nothing.
struct Callback {
    void (*fn)(void*) = nullptr;
    void* arg = nullptr;

    static Callback resume(std::coroutine_handle<> h) {
        return {[](void* p) { std::coroutine_handle<>::from_address(p).resume(); }, h.address()};
    }
    void operator()() const noexcept { fn(arg); }
};

// An entry of the ready queue: called once, in a later turn of the loop. post() again moves it to
// the end.
class Ready : private Link {
  public:
    Ready() = default;
    void post(Loop& loop, Callback callback);
    [[nodiscard]] bool posted() const { return linked(); }
    using Link::unlink;

  private:
    friend class Loop;
    Callback callback_;
};

// Called once, at or after its time, in a turn of the loop; start() again re-arms it, in its own
// callback too. Timers for the same time are called in the order of their start. A delay counts
// from the moment of start(); one that is not positive means the next turn, and one past the end
// of MonoTime means never.
class Timer {
  public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { stop(); }
    void start(Loop& loop, milliseconds delay, Callback callback);
    void stop();
    // Started, and neither called nor stopped since.
    [[nodiscard]] bool active() const { return loop_ != nullptr; }

  private:
    friend class Loop;
    struct Earlier {
        bool operator()(const Timer* a, const Timer* b) const {
            return a->at_ != b->at_ ? a->at_ < b->at_ : a->serial_ < b->serial_;
        }
    };
    using Queue = std::set<Timer*, Earlier>;
    static void fire(void* self);
    Loop* loop_ = nullptr;
    MonoTime at_;
    std::uint64_t serial_ = 0;
    Callback callback_;
    Ready due_;
    Queue::node_type node_; // its place, when it has had one and is not in the queue
};

class Loop {
  public:
    Loop() = default;
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    virtual ~Loop();

    // Of the ready queue: the end of a lookup takes some 50 us, and a cached answer should wait for
    // few of them.
    static constexpr int max_in_a_turn = 16;

    // The time now, not the time at which the turn began.
    [[nodiscard]] virtual MonoTime now() const = 0;
    // The time when events were last looked for, or now() was last called: for who is called by an
    // event, and need not read the clock once more.
    [[nodiscard]] virtual MonoTime turn_time() const { return now(); }

  protected:
    // Something became ready while nothing was.
    virtual void want_turn() = 0;
    // The earliest timer has changed; nothing: there is none.
    virtual void want_timer(std::optional<MonoTime> at) = 0;

    void run_ready();
    // Makes the timers ready whose time has come.
    void run_timers(MonoTime now);
    [[nodiscard]] bool any_ready() const { return !ready_.empty(); }
    [[nodiscard]] std::optional<MonoTime> next_timer() const;

  private:
    friend class Ready;
    friend class Timer;
    void add(Timer& timer);
    void remove(Timer& timer);
    Ring ready_;
    Timer::Queue timers_;
    std::uint64_t timers_started_ = 0;
};

// co_await NextTurn(loop): goes on behind all that is ready.
class NextTurn {
  public:
    explicit NextTurn(Loop& loop) : loop_(loop) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) { ready_.post(loop_, Callback::resume(h)); }
    void await_resume() const noexcept {}

  private:
    Loop& loop_;
    Ready ready_;
};

// co_await Sleep(loop, 5s);
class Sleep {
  public:
    Sleep(Loop& loop, milliseconds delay) : loop_(loop), delay_(delay) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        timer_.start(loop_, delay_, Callback::resume(h));
    }
    void await_resume() const noexcept {}

  private:
    Loop& loop_;
    milliseconds delay_;
    Timer timer_;
};

} // namespace postseal::async
