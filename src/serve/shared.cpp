// SPDX-License-Identifier: BSD-3-Clause
#include "serve/shared.h"

#include <fmt/format.h>

namespace postseal::serve {
namespace {

constexpr milliseconds complain_every{60'000};

} // namespace

bool Complaints::add(std::string_view listener, const std::string& client, MonoTime now) {
    const std::lock_guard lock(mutex_);
    count_++;
    if (now - forgot_at_ >= complain_every) {
        std::erase_if(last_logged_,
                      [&](const auto& entry) { return now - entry.second >= complain_every; });
        forgot_at_ = now;
    }
    const auto [entry, is_new] =
        last_logged_.try_emplace(fmt::format("{} {}", listener, client), now);
    if (!is_new && now - entry->second < complain_every) return false;
    entry->second = now;
    return true;
}

std::uint64_t Complaints::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

bool Shared::has_room() {
    if (connections_ < limit_) return true;
    await_room();
    // A client may have gone before its thread could see that somebody waits.
    return connections_ < limit_;
}

void Shared::give_room(std::size_t clients) {
    connections_ -= clients;
    if (awaited_.exchange(false)) inbox_.send([this] { told_(); });
}

void Shared::limit(std::size_t connections) {
    limit_ = connections;
    told_();
}

} // namespace postseal::serve
