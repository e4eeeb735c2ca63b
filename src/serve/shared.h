// serve/shared.h: what all servers of a process share
//
// The limit of connections counts over all serving threads. Who may not accept for want of room
// waits for it here, and is told on the main thread when a client has gone.
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
#include <mutex>
#include <string>
#include <string_view>

namespace postseal::serve {

// Malformed requests, by who sent them: each client is complained about once a minute.
// Thread: any.
class Complaints {
  public:
    // Counts it; true: it is to be logged.
    [[nodiscard]] bool add(std::string_view listener, const std::string& client, MonoTime now);
    [[nodiscard]] std::uint64_t count() const;

  private:
    mutable std::mutex mutex_;
    std::map<std::string, MonoTime> last_logged_; // by listener and client
    MonoTime forgot_at_;                          // those of longer ago than a minute
    std::uint64_t count_ = 0;
};

class Shared {
  public:
    Shared(async::UvLoop& main, std::size_t connections_limit)
        : limit_(connections_limit), inbox_(main) {}

    // If not, on_room()'s function is called when that may have changed.
    [[nodiscard]] bool has_room();
    void await_room() { awaited_ = true; }
    void take_room() { connections_++; }
    // So many clients have gone. Thread: any.
    void give_room(std::size_t clients);
    void limit(std::size_t connections);
    [[nodiscard]] std::size_t connections() const { return connections_; }

    // Before somebody waits.
    void on_room(std::function<void()> told) { told_ = std::move(told); }

    [[nodiscard]] Complaints& complaints() { return complaints_; }

  private:
    std::size_t limit_;
    std::atomic<std::size_t> connections_{0};
    std::atomic<bool> awaited_{false};
    std::function<void()> told_;
    Complaints complaints_;
    async::Inbox inbox_;
};

} // namespace postseal::serve
