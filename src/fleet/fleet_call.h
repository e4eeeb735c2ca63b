// fleet/fleet_call.h: how FleetStore asks the server, and when again; for the files that implement
// it
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/fleet_store.h"

#include <chrono>
#include <cstdint>
#include <utility>

namespace postseal::fleet {

inline constexpr milliseconds share_delay{50};
inline constexpr milliseconds first_retry{1000};
inline constexpr milliseconds last_retry{60'000};
inline constexpr std::size_t page = 1000; // rows of the feed, or keys of the own store

inline std::int64_t steady_ms() {
    return std::chrono::duration_cast<milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

template <class T> async::Task<Result<T>> FleetStore::call(Operation way, Job<T> job) {
    std::move_only_function<Done<T>()> work = [server = server_.get(), busy = busy_since_,
                                               clock = clock_, job = std::move(job)]() mutable {
        busy->store(steady_ms());
        Done<T> done{.result = job(server->store),
                     .ahead = server->store.server_now() - clock().now};
        busy->store(0);
        return done;
    };
    auto done = co_await worker_->call<Done<T>>(std::move(work));
    if (done.result) here_.note_clock(done.ahead);
    note(way, done.result ? nullptr : &done.result.error());
    co_return std::move(done.result);
}

} // namespace postseal::fleet
