// async/uv_loop.h: the Loop that libuv turns, and what only a real loop has: descriptors, signals,
// and messages from other threads
//
// libuv stays inside async/: sockets elsewhere are plain non-blocking descriptors with an FdWatch.
// The callbacks of this file are called by the loop itself, not from inside a coroutine, so they
// may destroy coroutines; they post those they wake. One that throws ends the process.
// Errors: setting up throws std::runtime_error when descriptors or memory run out.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"

#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

struct uv_loop_s;

namespace postseal::async {

// Of the libuv at work, not of the one built with.
[[nodiscard]] std::string_view uv_version();

class UvLoop final : public Loop {
  public:
    UvLoop();
    ~UvLoop() override; // every watch and inbox of the loop must be gone, or the process ends

    // Reads the clock: the time libuv keeps for a turn is old after long work or before the first
    // turn, and a timer started then would be early by as much.
    [[nodiscard]] MonoTime now() const override;
    [[nodiscard]] MonoTime turn_time() const override;
    void run();      // until stop(); a stop() before it counts
    void run_once(); // one turn; waits for an event if nothing is ready
    void stop();     // run() returns after this turn
    [[nodiscard]] uv_loop_s* uv() const;

  private:
    void want_turn() override;
    void want_timer(std::optional<MonoTime> at) override;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Readiness of a descriptor, level-triggered: reported each turn until it is gone or not asked for.
// Makes the descriptor non-blocking. One watch at a time may be set on a descriptor; destroy it
// before the descriptor is closed. Regular files cannot be watched.
class FdWatch {
  public:
    enum Events : unsigned { none = 0, readable = 1, writable = 2 };
    // `fn(arg, events)`: an error shows as both events, asked for or not; the next call on fd tells
    // which. It may set or destroy the watch.
    using Fn = void (*)(void* arg, unsigned events);

    FdWatch(UvLoop& loop, int fd, Fn fn, void* arg);
    FdWatch(const FdWatch&) = delete;
    FdWatch& operator=(const FdWatch&) = delete;
    ~FdWatch();
    void set(unsigned events);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// co_await FdReady(loop, fd, FdWatch::readable); the descriptor may not have an FdWatch besides.
class FdReady {
  public:
    FdReady(UvLoop& loop, int fd, unsigned events);
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h);
    void await_resume() const noexcept {}

  private:
    static void on_event(void* self, unsigned events);
    UvLoop& loop_;
    FdWatch watch_;
    unsigned events_;
    std::coroutine_handle<> waiter_;
    Ready ready_;
};

// From now on this thread is not told of these signals any more, whoever else is: at the end, when
// their old effect would be to kill.
void block_signals(std::initializer_list<int> signals);

// Calls `fn` in the loop after the signal has arrived, any number of times before count once. `fn`
// must not destroy the watch. The signal has its old effect again when its last watch is gone.
class SignalWatch {
  public:
    SignalWatch(UvLoop& loop, int signal, std::function<void()> fn);
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;
    ~SignalWatch();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The only door into a Loop that another thread may use: send() from any thread, messages run in
// order on the loop's thread. Messages not yet run when it ends are dropped.
class Inbox {
  public:
    explicit Inbox(UvLoop& loop);
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;
    ~Inbox(); // on the loop's thread, when no other thread can send any more; a message may do it
    void send(std::move_only_function<void()> message);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace postseal::async
