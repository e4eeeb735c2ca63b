// async/limiter.h: at most n at work at once, the rest wait in order
//
// auto permit = co_await limiter.acquire();   // held until it leaves scope
// First come, first served: a permit that comes free goes to the waiter that has waited longest,
// never to one that asks later. A waiter that is destroyed leaves the queue, and gives back a
// permit it was handed but has not taken. The limiter outlives its permits and waiters.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"

#include <cstddef>
#include <utility>

namespace postseal::async {

class Limiter {
  public:
    class Acquire;
    class [[nodiscard]] Permit {
      public:
        Permit(Permit&& other) noexcept : limiter_(std::exchange(other.limiter_, nullptr)) {}
        Permit& operator=(Permit&& other) noexcept {
            if (this != &other) {
                release();
                limiter_ = std::exchange(other.limiter_, nullptr);
            }
            return *this;
        }
        Permit(const Permit&) = delete;
        Permit& operator=(const Permit&) = delete;
        ~Permit() { release(); }
        void release();

      private:
        friend class Acquire;
        explicit Permit(Limiter& limiter) : limiter_(&limiter) {}
        Limiter* limiter_;
    };

    class Acquire : private Link {
      public:
        explicit Acquire(Limiter& limiter) : limiter_(limiter) {}
        Acquire(const Acquire&) = delete;
        Acquire& operator=(const Acquire&) = delete;
        ~Acquire();
        bool await_ready() noexcept;
        void await_suspend(std::coroutine_handle<> h);
        Permit await_resume() noexcept;

      private:
        friend class Limiter;
        Limiter& limiter_;
        bool granted_ = false; // a permit is ours and not yet taken
        Ready ready_;
        std::coroutine_handle<> waiter_;
    };

    Limiter(Loop& loop, std::size_t permits);
    Limiter(const Limiter&) = delete;
    Limiter& operator=(const Limiter&) = delete;
    ~Limiter();

    // Fewer: those held stay until they are given back.
    void set_permits(std::size_t permits);
    [[nodiscard]] Acquire acquire() { return Acquire(*this); }
    [[nodiscard]] std::size_t in_use() const { return in_use_; }
    [[nodiscard]] std::size_t waiting() const { return waiting_; }

  private:
    void leave(Acquire& waiter);
    void give_back();
    void hand_over();
    Loop& loop_;
    std::size_t permits_;
    std::size_t in_use_ = 0; // those handed to a waiter included
    std::size_t waiting_ = 0;
    Ring queue_;
};

} // namespace postseal::async
