// async/timeout.h: a body with a time limit
//
// with_timeout(loop, body, limit): the body's value, or nothing when `limit` passed first; then the
// body has been cancelled before this returns. For a body without a value: whether it ended. What
// the body throws leaves from the await. A limit that is not positive leaves the body what it can
// do in this turn.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"

namespace postseal::async {

// The race of one body against one timer; await it once.
template <class T> class Timeout final : Done {
  public:
    Timeout(Loop& loop, Task<T> body, milliseconds limit)
        : loop_(loop), body_(std::move(body)), limit_(limit) {}
    Timeout(const Timeout&) = delete;
    Timeout& operator=(const Timeout&) = delete;
    ~Timeout() = default;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        waiter_ = h;
        timer_.start(loop_, limit_,
                     {[](void* self) { static_cast<Timeout*>(self)->wake(); }, this});
        driver_.emplace(drive_into(static_cast<Done&>(*this), std::move(body_), outcome_));
    }
    Outcome<T> await_resume() {
        driver_.reset(); // before the outcome: cancelling must not run beside the waiter
        timer_.stop();
        return std::move(outcome_);
    }

  private:
    void done() noexcept override { wake(); }
    void wake() {
        if (!ready_.posted()) ready_.post(loop_, Callback::resume(waiter_));
    }
    Loop& loop_;
    Task<T> body_;
    milliseconds limit_;
    Outcome<T> outcome_;
    Timer timer_;
    std::coroutine_handle<> waiter_;
    Ready ready_;
    std::optional<Driver> driver_; // last: destroyed first
};

template <class T>
Task<std::optional<T>> with_timeout(Loop& loop, Task<T> body, milliseconds limit) {
    Timeout<T> race(loop, std::move(body), limit);
    Outcome<T> outcome = co_await race;
    if (outcome.error) std::rethrow_exception(outcome.error);
    co_return std::move(outcome.value);
}

inline Task<bool> with_timeout(Loop& loop, Task<> body, milliseconds limit) {
    Timeout<void> race(loop, std::move(body), limit);
    const Outcome<void> outcome = co_await race;
    outcome.take();
    co_return outcome.ended;
}

} // namespace postseal::async
