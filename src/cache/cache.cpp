// SPDX-License-Identifier: BSD-3-Clause
#include "cache/cache.h"

#include <algorithm>

namespace postseal::cache {
namespace {

// A put: room for it and some more; a limit that was lowered is not reached all at once.
constexpr int max_evictions = 256;

constexpr unsigned max_failures = 255;

} // namespace

Cache::Cache(Readers& readers, std::size_t max_octets) : max_octets_(max_octets), table_(readers) {}

const CachedAnswer* Cache::find_from(std::string_view key, unsigned edition, MonoTime now) const {
    CachedAnswer* answer = at(key);
    if (answer == nullptr || !answer->valid(edition, now)) return nullptr;
    answer->mark(now);
    return answer;
}

unsigned Cache::failures(std::string_view key) const {
    const CachedAnswer* answer = at(key);
    return answer == nullptr ? 0 : answer->own.failures;
}

void Cache::put(std::string_view key, const Replies& replies, const Times& times,
                unsigned failures) {
    const std::uint64_t hash = table_.hash(key);
    CachedAnswer* old = table_.find(key, hash);
    const MonoTime asked = old == nullptr ? times.asked : std::max(times.asked, old->asked());
    CachedAnswer* fresh = CachedAnswer::make(
        key, replies, {.hash = hash, .edition = edition_, .until = times.until, .asked = asked});
    fresh->own.failures = static_cast<std::uint8_t>(std::min(failures, max_failures));
    fresh->own.sound = failures == 0;
    fresh->own.opportunistic = times.opportunistic;
    if (old == nullptr) {
        eviction_.add(*fresh);
        table_.insert(fresh);
    } else {
        due_.remove(*old);
        eviction_.replace(*old, *fresh);
        table_.replace(old, fresh);
    }
    set_due(*fresh, times.due);
    make_room();
}

bool Cache::postpone(std::string_view key, MonoTime now, MonoTime due, unsigned failures,
                     bool promised) {
    CachedAnswer* answer = at(key);
    if (answer == nullptr || !answer->own.sound || !answer->valid(edition_, now)) return false;
    if (promised && answer->own.opportunistic) return false;
    answer->own.failures = static_cast<std::uint8_t>(std::min(failures, max_failures));
    set_due(*answer, due);
    return true;
}

void Cache::set_due(CachedAnswer& answer, MonoTime due) {
    if (due == not_due)
        due_.remove(answer);
    else
        due_.set(answer, due);
}

MonoTime Cache::next_due() const {
    const CachedAnswer* first = due_.first();
    return first == nullptr ? not_due : first->own.due;
}

std::optional<Cache::Due> Cache::take_due(MonoTime now) {
    CachedAnswer* first = due_.first();
    if (first == nullptr || first->own.due > now) return std::nullopt;
    due_.remove(*first);
    return Due{.key = std::string(first->key()), .asked = first->asked()};
}

void Cache::outdate() { eviction_.outdate(++edition_); }

void Cache::make_room() {
    for (int n = 0; n < max_evictions && table_.size() > 1; n++) {
        const bool outdated = eviction_.any_outdated();
        if (octets() <= max_octets_ && !outdated) return;
        if (!outdated) evictions_++;
        drop(eviction_.choose());
    }
}

void Cache::drop(CachedAnswer& answer) {
    due_.remove(answer);
    eviction_.remove(answer);
    table_.erase(&answer);
}

void Cache::erase(std::string_view key) {
    if (CachedAnswer* answer = at(key); answer != nullptr) drop(*answer);
}

void Cache::erase_unsound(std::string_view key) {
    if (CachedAnswer* answer = at(key); answer != nullptr && !answer->own.sound) drop(*answer);
}

} // namespace postseal::cache
