// SPDX-License-Identifier: BSD-3-Clause
#include "cache/eviction.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace postseal::cache {
namespace {

constexpr std::size_t young_share = 10; // one in so many octets
constexpr unsigned uses_to_stay = 2;    // while young
constexpr int max_spared = 64;          // a choice: what is used is spared, if not all is

std::uint32_t fingerprint(const CachedAnswer& answer) {
    return static_cast<std::uint32_t>(answer.hash() >> 32U) | 1U;
}

} // namespace

void Eviction::Queue::push(CachedAnswer& answer) {
    answer.own.prev = last;
    answer.own.next = nullptr;
    (last == nullptr ? first : last->own.next) = &answer;
    last = &answer;
    size++;
    octets += answer.taken();
}

void Eviction::Queue::unlink(CachedAnswer& answer) {
    (answer.own.prev == nullptr ? first : answer.own.prev->own.next) = answer.own.next;
    (answer.own.next == nullptr ? last : answer.own.next->own.prev) = answer.own.prev;
    size--;
    octets -= answer.taken();
}

void Eviction::Queue::append(Queue& other) {
    if (other.first == nullptr) return;
    other.first->own.prev = last;
    (last == nullptr ? first : last->own.next) = other.first;
    last = other.last;
    size += other.size;
    octets += other.octets;
    other = {};
}

Eviction::Queue& Eviction::queue_of(const CachedAnswer& answer) {
    if (answer.edition() != edition_) return outdated_;
    return answer.own.main ? main_ : young_;
}

void Eviction::add(CachedAnswer& fresh) {
    fresh.own.main = was_here(fresh);
    queue_of(fresh).push(fresh);
}

void Eviction::replace(CachedAnswer& old, CachedAnswer& fresh) {
    fresh.own.main = old.own.main;
    fresh.set_uses(old.uses());
    Queue& queue = queue_of(fresh);
    if (&queue_of(old) != &queue) {
        remove(old);
        queue.push(fresh);
        return;
    }
    fresh.own.prev = old.own.prev;
    fresh.own.next = old.own.next;
    (fresh.own.prev == nullptr ? queue.first : fresh.own.prev->own.next) = &fresh;
    (fresh.own.next == nullptr ? queue.last : fresh.own.next->own.prev) = &fresh;
    queue.octets += fresh.taken();
    queue.octets -= old.taken();
}

void Eviction::remove(CachedAnswer& answer) { queue_of(answer).unlink(answer); }

void Eviction::outdate(unsigned edition) {
    outdated_.append(young_);
    outdated_.append(main_);
    edition_ = edition;
}

// As much as is there, or will be with the next choice.
std::size_t Eviction::octets() const {
    return young_.octets + main_.octets + outdated_.octets +
           sizeof(std::uint32_t) * std::max(ghosts_.size(), 2 * size());
}

CachedAnswer& Eviction::choose() {
    if (outdated_.first != nullptr) return *outdated_.first;
    for (int spared = 0;; spared++) {
        const bool young =
            main_.first == nullptr || young_.octets * young_share > young_.octets + main_.octets;
        CachedAnswer& answer = *(young ? young_ : main_).first;
        if (spared < max_spared && spare(answer)) continue;
        if (young) remember(answer);
        return answer;
    }
}

// If it is used: to the end of the main queue.
bool Eviction::spare(CachedAnswer& answer) {
    const unsigned uses = answer.uses();
    if (uses < (answer.own.main ? 1 : uses_to_stay)) return false;
    remove(answer);
    answer.set_uses(answer.own.main ? uses - 1 : 0);
    answer.own.main = true;
    main_.push(answer);
    return true;
}

void Eviction::remember(const CachedAnswer& answer) {
    const std::size_t wanted = std::bit_ceil(size());
    if (ghosts_.size() < wanted || ghosts_.size() > 4 * wanted)
        ghosts_ = std::vector<std::uint32_t>(wanted);
    ghosts_[answer.hash() & (ghosts_.size() - 1)] = fingerprint(answer);
}

bool Eviction::was_here(const CachedAnswer& answer) {
    if (ghosts_.empty()) return false;
    std::uint32_t& ghost = ghosts_[answer.hash() & (ghosts_.size() - 1)];
    if (ghost != fingerprint(answer)) return false;
    ghost = 0;
    return true;
}

} // namespace postseal::cache
