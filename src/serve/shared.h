// serve/shared.h: what all servers of a process share
//
// The limit of connections counts over all serving threads and listeners, of which each may have
// places of its own that no other takes. Who may not accept for want of room waits for it here, and
// is told on the main thread when a client has gone.
// Thread: main, unless said otherwise.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "postseal/base/time.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::serve {

// Malformed requests, by who sent them: each client is complained about once a minute.
// Thread: any.
class Complaints {
  public:
    // Counts it; true: it is to be logged.
    // Of those that come on top of `max_clients` in a minute none is logged.
    [[nodiscard]] bool add(std::string_view listener, const std::string& client, MonoTime now);
    static constexpr std::size_t max_clients = 1024;
    [[nodiscard]] std::uint64_t count() const;

  private:
    mutable std::mutex mutex_;
    std::map<std::string, MonoTime> last_logged_; // by listener and client
    MonoTime forgot_at_;                          // those of longer ago than a minute
    std::uint64_t count_ = 0;
};

// Bytes that wait for clients: replies that are not read yet or were promised, and requests that
// wait for them. Thread: any.
class ReplyMemory {
  public:
    explicit ReplyMemory(std::size_t limit) : limit_(limit) {}
    void add(std::size_t bytes) { used_ += bytes; }
    void subtract(std::size_t bytes) { used_ -= bytes; }
    void limit(std::size_t bytes) { limit_ = bytes; }
    [[nodiscard]] std::size_t used() const { return used_; }
    // From half of the limit on, each client is served in small steps.
    [[nodiscard]] bool is_scarce() const { return used_ > limit_ / 2; }
    // Who does not read what he is owed is closed.
    [[nodiscard]] bool is_exhausted() const { return used_ > limit_; }

  private:
    std::atomic<std::size_t> used_{0};
    std::atomic<std::size_t> limit_;
};

// The connections of one listener. Thread: main; `taken` any.
struct Places {
    std::size_t own = 0;
    std::atomic<std::size_t> taken{0};
};

class Shared {
  public:
    Shared(async::UvLoop& main, std::size_t connections_limit, std::size_t reply_memory)
        : limit_(connections_limit), inbox_(main), reply_memory_(reply_memory) {}

    // A listener's; it is forgotten with the last pointer.
    [[nodiscard]] std::shared_ptr<Places> add_places(std::size_t own);
    // For one more client of the listener. If not, on_room()'s function is called when that may
    // have changed.
    [[nodiscard]] bool has_room(const Places& places);
    void await_room() { awaited_ = true; }
    void take_room() { connections_++; }
    // So many clients have gone. Thread: any.
    void give_room(std::size_t clients);
    void limit(std::size_t connections);
    [[nodiscard]] std::size_t connections() const { return connections_; }

    // Before somebody waits.
    void on_room(std::function<void()> told) { told_ = std::move(told); }
    // Called when a client waits and there is no room: some other connection may make it.
    void on_crowded(std::function<void()> make_room) { make_room_ = std::move(make_room); }
    [[nodiscard]] bool makes_room() const { return make_room_ != nullptr; }
    void make_room() { make_room_(); }

    [[nodiscard]] Complaints& complaints() { return complaints_; }
    [[nodiscard]] Complaints& unread() { return unread_; }
    [[nodiscard]] ReplyMemory& reply_memory() { return reply_memory_; }

  private:
    [[nodiscard]] bool is_free(const Places& places) const;

    std::size_t limit_;
    std::vector<std::weak_ptr<Places>> places_;
    std::function<void()> make_room_;
    std::atomic<std::size_t> connections_{0};
    std::atomic<bool> awaited_{false};
    std::function<void()> told_;
    Complaints complaints_;
    Complaints unread_;
    async::Inbox inbox_;
    ReplyMemory reply_memory_;
};

} // namespace postseal::serve
