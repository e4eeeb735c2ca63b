// SPDX-License-Identifier: BSD-3-Clause
#include "engine/cache.h"

#include <algorithm>
#include <utility>

namespace postseal::engine {
namespace {

constexpr std::size_t small_string = 15; // held inside std::string itself
// A put: room for it and some more; a limit that was lowered is not reached all at once.
constexpr int most_evictions = 256;

std::size_t heap_of(const std::string& text) {
    return text.capacity() > small_string ? text.capacity() + 1 : 0;
}

} // namespace

Cache::Cache(std::size_t most_octets) : most_octets_(most_octets) {}

const Replies* Cache::find(std::string_view key, MonoTime now) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.until <= now) return nullptr;
    found->second.used = true;
    found->second.asked = now;
    return found->second.replies.get();
}

unsigned Cache::failures(std::string_view key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? 0 : found->second.failures;
}

// Replies that several entries share are counted with each of them: an upper bound.
std::size_t Cache::octets_of(const Entries::value_type& item) {
    constexpr std::size_t node = sizeof(Entries::value_type) + 11 * sizeof(void*);
    std::size_t sum = node + heap_of(item.first);
    if (item.second.replies && item.second.replies.use_count() <= 2) {
        sum += sizeof(Replies) + 2 * sizeof(void*);
        for (const std::string& reply : *item.second.replies)
            sum += sizeof(std::string) + heap_of(reply);
    }
    return sum;
}

void Cache::put(std::string_view key, std::shared_ptr<const Replies> replies, const Times& times,
                unsigned failures) {
    auto found = entries_.find(key);
    if (found == entries_.end()) {
        found = entries_.emplace(std::string(key), Entry{}).first;
        link(*found);
    } else {
        octets_ -= found->second.octets;
    }
    Entry& entry = found->second;
    entry.replies = std::move(replies);
    entry.until = times.until;
    entry.asked = std::max(entry.asked, times.asked);
    entry.failures = static_cast<std::uint16_t>(std::min(failures, 1000U));
    entry.sound = failures == 0;
    set_due(*found, times.due);
    entry.octets = static_cast<std::uint32_t>(octets_of(*found));
    octets_ += entry.octets;
    for (int n = 0; n < most_evictions && octets_ > most_octets_ && entries_.size() > 1; n++)
        evict_one();
}

bool Cache::postpone(std::string_view key, MonoTime now, MonoTime due, unsigned failures) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
    Entry& entry = found->second;
    if (!entry.sound || entry.until <= now) return false;
    entry.failures = static_cast<std::uint16_t>(std::min(failures, 1000U));
    set_due(*found, due);
    return true;
}

void Cache::set_due(Entries::value_type& item, MonoTime due) {
    if (item.second.due != not_due) due_.erase(&item);
    item.second.due = due;
    if (due != not_due) due_.insert(&item);
}

MonoTime Cache::next_due() const { return due_.empty() ? not_due : (*due_.begin())->second.due; }

std::optional<Cache::Due> Cache::take_due(MonoTime now) {
    if (next_due() > now || due_.empty()) return std::nullopt;
    Entries::value_type& first = **due_.begin();
    set_due(first, not_due);
    return Due{.key = first.first, .asked = first.second.asked};
}

void Cache::link(Entries::value_type& item) {
    if (hand_ == nullptr) {
        item.second.next = item.second.prev = hand_ = &item;
        return;
    }
    // Behind the hand: the last that it comes to.
    item.second.next = hand_;
    item.second.prev = hand_->second.prev;
    item.second.prev->second.next = &item;
    hand_->second.prev = &item;
}

void Cache::evict_one() {
    while (std::exchange(hand_->second.used, false))
        hand_ = hand_->second.next;
    evictions_++;
    drop(entries_.find(hand_->first));
}

void Cache::drop(Entries::iterator item) {
    Entry& entry = item->second;
    if (hand_ == &*item) hand_ = entry.next == hand_ ? nullptr : entry.next;
    entry.prev->second.next = entry.next;
    entry.next->second.prev = entry.prev;
    octets_ -= entry.octets;
    set_due(*item, not_due);
    entries_.erase(item);
}

void Cache::erase(std::string_view key) {
    if (const auto found = entries_.find(key); found != entries_.end()) drop(found);
}

void Cache::clear() {
    due_.clear();
    entries_.clear();
    hand_ = nullptr;
    octets_ = 0;
}

} // namespace postseal::engine
