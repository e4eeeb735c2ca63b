// SPDX-License-Identifier: BSD-3-Clause
#include "serve/shared.h"

#include <fmt/format.h>

#include <utility>

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
    std::string key = fmt::format("{} {}", listener, client);
    if (last_logged_.size() >= max_clients && !last_logged_.contains(key)) return false;
    const auto [entry, is_new] = last_logged_.try_emplace(std::move(key), now);
    if (!is_new && now - entry->second < complain_every) return false;
    entry->second = now;
    return true;
}

std::uint64_t Complaints::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

std::shared_ptr<Places> Shared::add_places(std::size_t own) {
    std::erase_if(places_, [](const auto& places) { return places.expired(); });
    auto places = std::make_shared<Places>(own);
    places_.push_back(places);
    return places;
}

bool Shared::is_free(const Places& places) const {
    if (places.taken < places.own) return true;
    std::size_t own = 0;
    std::size_t common = 0; // taken beyond the listeners' own
    for (const auto& each : places_) {
        const auto there = each.lock();
        if (!there) continue;
        own += there->own;
        const std::size_t taken = there->taken;
        if (taken > there->own) common += taken - there->own;
    }
    return own + common < limit_;
}

bool Shared::has_room(const Places& places) {
    if (is_free(places)) return true;
    await_room();
    // A client may have gone before its thread could see that somebody waits.
    return is_free(places);
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
