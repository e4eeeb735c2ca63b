// async/limiter.h: at most n at work at once, the rest wait and take turns
//
// auto permit = co_await limiter.acquire();   // held until it leaves scope
// Those who wait for the same client get their permits first come, first served; a permit that
// comes free goes to the clients that wait in turn, so that one with a thousand waiters delays
// another by one permit. A client holds at most `each`, others may take the rest meanwhile. Without
// a client all are one: a plain queue, where nobody who asks later is served before.
// A waiter that is destroyed leaves the queue, and gives back a permit it was handed but has not
// taken. The limiter outlives its permits and waiters.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"

#include <cstddef>
#include <limits>
#include <unordered_map>
#include <utility>

namespace postseal::async {

class Limiter {
    struct Client;

  public:
    // Told apart and never looked into; null: those without a client.
    using ClientId = const void*;

    class Acquire;
    class [[nodiscard]] Permit {
      public:
        Permit(Permit&& other) noexcept
            : limiter_(std::exchange(other.limiter_, nullptr)), client_(other.client_) {}
        Permit& operator=(Permit&& other) noexcept {
            if (this != &other) {
                release();
                limiter_ = std::exchange(other.limiter_, nullptr);
                client_ = other.client_;
            }
            return *this;
        }
        Permit(const Permit&) = delete;
        Permit& operator=(const Permit&) = delete;
        ~Permit() { release(); }
        void release();

      private:
        friend class Acquire;
        Permit(Limiter& limiter, Client& client) : limiter_(&limiter), client_(&client) {}
        Limiter* limiter_;
        Client* client_;
    };

    class Acquire : private Link {
      public:
        Acquire(Limiter& limiter, ClientId id) : limiter_(limiter), id_(id) {}
        Acquire(const Acquire&) = delete;
        Acquire& operator=(const Acquire&) = delete;
        ~Acquire();
        bool await_ready();
        void await_suspend(std::coroutine_handle<> h);
        Permit await_resume() noexcept;

      private:
        friend class Limiter;
        Limiter& limiter_;
        ClientId id_;
        Client* client_ = nullptr; // while we wait or have a permit
        bool granted_ = false;     // a permit is ours and not yet taken
        Ready ready_;
        std::coroutine_handle<> waiter_;
    };

    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
    Limiter(Loop& loop, std::size_t permits, std::size_t each = no_limit);
    Limiter(const Limiter&) = delete;
    Limiter& operator=(const Limiter&) = delete;
    ~Limiter();

    // Fewer: those held stay until they are given back.
    void set_permits(std::size_t permits, std::size_t each = no_limit);
    [[nodiscard]] Acquire acquire(ClientId id = nullptr) { return {*this, id}; }
    [[nodiscard]] std::size_t in_use() const { return in_use_; }
    [[nodiscard]] std::size_t waiting() const { return waiting_; }
    // Whether the client may wait, too, when `most` wait in all: if there is room, or it has less
    // than its share.
    [[nodiscard]] bool has_room(ClientId id, std::size_t most) const;

  private:
    // In turns_ while somebody waits and it may have one more.
    struct Client : Link {
        ClientId id = nullptr;
        std::size_t in_use = 0; // those handed to a waiter included
        std::size_t waiting = 0;
        Ring queue;
    };
    [[nodiscard]] bool may_have(const Client& client) const;
    void leave(Acquire& waiter);
    void give_back(Client& client);
    void hand_over();
    void take_turn(Client& client);
    void drop_if_idle(Client& client);

    Loop& loop_;
    std::size_t permits_;
    std::size_t each_;
    std::size_t in_use_ = 0;
    std::size_t waiting_ = 0;
    std::unordered_map<ClientId, Client> clients_; // that have or wait for a permit
    Ring turns_;
};

} // namespace postseal::async
