// engine/single_flight.h: one lookup for all who ask the same at the same time
//
// start_or_join() starts a flight for the key, or gives the one in flight; wait() awaits its value.
// Cancelling a waiter leaves the flight going; destroying the SingleFlight cancels all flights. A
// flight's `context` is what its body shows of its progress to those who cannot wait longer, or
// need not: a Waiter for Until::progress is also woken by wake(), and must look for itself whether
// there is a value.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/group.h"
#include "async/loop.h"
#include "async/task.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace postseal::engine {

template <class Key, class T, class Context> class SingleFlight {
  public:
    class Waiter;
    struct Flight {
        Context context;
        std::optional<T> value; // once landed
        std::list<Waiter*> waiters;
        MonoTime begun;
        bool overdue = false; // somebody has been answered without it at his deadline
    };
    enum class Until { landed, progress };
    using Shared = std::shared_ptr<Flight>;

    explicit SingleFlight(async::Loop& loop) : loop_(loop), group_(loop) {}

    // `make(Context&)` gives the body; the context lives as long as the body does.
    template <class Make> Shared start_or_join(const Key& key, Make make) {
        if (const auto found = flights_.find(key); found != flights_.end()) return found->second;
        auto flight = std::make_shared<Flight>();
        flight->begun = loop_.now();
        flights_.emplace(key, flight);
        group_.start(run(key, flight, make(flight->context)));
        return flight;
    }

    // The next who asks starts a flight of his own; those who wait for this one still get its
    // value.
    void abandon(const Key& key) { flights_.erase(key); }

    // In the order of the keys; `visit` starts and ends none.
    template <class Visit> void for_each(Visit visit) {
        for (const auto& [key, flight] : flights_)
            visit(key, *flight);
    }

    // Null: none is in flight for the key.
    [[nodiscard]] Shared find(const Key& key) const {
        const auto found = flights_.find(key);
        return found == flights_.end() ? nullptr : found->second;
    }

    // co_await Waiter(loop, flight);
    class Waiter {
      public:
        Waiter(async::Loop& loop, Shared flight, Until until = Until::landed)
            : loop_(loop), flight_(std::move(flight)), until_(until) {}
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() {
            if (waiting_) flight_->waiters.erase(self_);
        }
        bool await_ready() const noexcept { return flight_->value.has_value(); }
        void await_suspend(std::coroutine_handle<> h) {
            handle_ = h;
            self_ = flight_->waiters.insert(flight_->waiters.end(), this);
            waiting_ = true;
        }
        void await_resume() const noexcept {}

      private:
        friend class SingleFlight;
        async::Loop& loop_;
        Shared flight_;
        Until until_;
        typename std::list<Waiter*>::iterator self_;
        bool waiting_ = false;
        std::coroutine_handle<> handle_;
        async::Ready ready_;
    };

    // The value, once the flight has landed; a copy, for the flight is shared.
    static async::Task<T> wait(async::Loop& loop, Shared flight) {
        co_await Waiter(loop, flight);
        const std::optional<T>& landed = flight->value;
        assert(landed.has_value());
        co_return *landed;
    }

    // Those who wait for progress: whether there are any, and that there is some.
    [[nodiscard]] static bool watched(const Flight& flight) {
        return std::ranges::any_of(
            flight.waiters, [](const Waiter* waiter) { return waiter->until_ == Until::progress; });
    }
    static void wake(Flight& flight) {
        std::erase_if(flight.waiters, [](Waiter* waiter) {
            if (waiter->until_ != Until::progress) return false;
            resume(*waiter);
            return true;
        });
    }

    [[nodiscard]] std::size_t pending() const { return flights_.size(); }

  private:
    async::Task<> run(Key key, Shared flight, async::Task<T> body) {
        T value = co_await std::move(body);
        flight->value.emplace(std::move(value));
        if (const auto found = flights_.find(key);
            found != flights_.end() && found->second == flight)
            flights_.erase(found);
        for (Waiter* waiter : flight->waiters)
            resume(*waiter);
        flight->waiters.clear();
    }
    static void resume(Waiter& waiter) {
        waiter.waiting_ = false;
        waiter.ready_.post(waiter.loop_, async::Callback::resume(waiter.handle_));
    }

    async::Loop& loop_;
    std::map<Key, Shared> flights_;
    async::Group group_; // last: its bodies use the rest
};

} // namespace postseal::engine
