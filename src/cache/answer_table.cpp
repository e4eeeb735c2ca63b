// SPDX-License-Identifier: BSD-3-Clause
#include "cache/answer_table.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <random>

namespace postseal::cache {
namespace {

constexpr std::size_t fewest_slots = 8;

// Both halves of the product: each bit of the result depends on all of both.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

constexpr std::size_t word_size = sizeof(std::uint64_t);

// The first octets; there are as many.
std::uint64_t first_word(std::string_view key) {
    std::uint64_t word = 0;
    std::memcpy(&word, key.data(), word_size);
    return word;
}

// The last octets, some of them once more; of a short key all.
std::uint64_t last_word(std::string_view key) {
    if (key.size() >= word_size) return first_word(key.substr(key.size() - word_size));
    std::uint64_t word = 0;
    for (const char c : key)
        word = word << 8U | static_cast<unsigned char>(c);
    return word;
}

} // namespace

struct AnswerTable::Slots {
    std::size_t mask;

    [[nodiscard]] Slot* begin() { return reinterpret_cast<Slot*>(this + 1); }
    [[nodiscard]] Slot* end() { return begin() + mask + 1; }
    // The n-th place where an answer with that hash may be.
    [[nodiscard]] Slot& place(std::uint64_t hash, std::size_t n) {
        return begin()[(hash + n) & mask];
    }
    void add(CachedAnswer* answer) {
        std::size_t n = 0;
        while (place(answer->hash(), n).load(std::memory_order_relaxed) != nullptr)
            n++;
        place(answer->hash(), n).store(answer, std::memory_order_seq_cst);
    }
};

AnswerTable::AnswerTable(Readers& readers) : readers_(readers) {
    std::random_device random;
    seed_ = (std::uint64_t{random()} << 32U) ^ random();
}

AnswerTable::~AnswerTable() {
    for (Segment& segment : segments_) {
        Slots* slots = segment.slots.load();
        if (slots == nullptr) continue;
        for (const Slot& slot : *slots)
            if (CachedAnswer* answer = slot.load(); answer != nullptr && answer != erased())
                std::free(answer);
        std::free(slots);
    }
}

std::uint64_t AnswerTable::hash(std::string_view key) const {
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15U;
    const std::uint64_t last = last_word(key);
    std::uint64_t hash = seed_ ^ key.size();
    for (; key.size() > word_size; key.remove_prefix(word_size))
        hash = mix(hash ^ first_word(key), odd);
    return mix(hash ^ last, odd ^ seed_);
}

CachedAnswer* AnswerTable::find(std::string_view key, std::uint64_t hash) const {
    Slots* slots = segments_[hash >> (64U - segment_bits)].slots.load(std::memory_order_seq_cst);
    if (slots == nullptr) return nullptr;
    for (std::size_t n = 0;; n++) {
        CachedAnswer* answer = slots->place(hash, n).load(std::memory_order_seq_cst);
        if (answer == nullptr) return nullptr;
        if (answer != erased() && answer->hash() == hash && answer->key() == key) return answer;
    }
}

AnswerTable::Slot& AnswerTable::slot_of(const CachedAnswer* answer) {
    Slots* slots = segment_of(answer->hash()).slots.load(std::memory_order_relaxed);
    std::size_t n = 0;
    while (slots->place(answer->hash(), n).load(std::memory_order_relaxed) != answer)
        n++;
    return slots->place(answer->hash(), n);
}

AnswerTable::Slots* AnswerTable::make_slots(std::size_t count) {
    void* block = std::calloc(1, sizeof(Slots) + count * sizeof(Slot));
    if (block == nullptr) throw std::bad_alloc();
    octets_ += octets_taken(block);
    auto* slots = new (block) Slots{.mask = count - 1};
    std::uninitialized_value_construct(slots->begin(), slots->end());
    return slots;
}

// At most half of the slots are taken, so that the way to an empty one is short, and there is one.
void AnswerTable::make_room(Segment& segment) {
    const Slots* slots = segment.slots.load(std::memory_order_relaxed);
    if (slots == nullptr || (segment.taken + 1) * 2 > slots->mask + 1) rebuild(segment);
}

// Room for twice as many as there are, without the erased ones.
void AnswerTable::rebuild(Segment& segment) {
    Slots* old = segment.slots.load(std::memory_order_relaxed);
    Slots* fresh = make_slots(std::max(fewest_slots, std::bit_ceil((segment.live + 1) * 3)));
    if (old != nullptr)
        for (const Slot& slot : *old)
            if (CachedAnswer* answer = slot.load(std::memory_order_relaxed);
                answer != nullptr && answer != erased())
                fresh->add(answer);
    segment.taken = segment.live;
    segment.slots.store(fresh, std::memory_order_seq_cst);
    if (old == nullptr) return;
    octets_ -= octets_taken(old);
    readers_.retire(old, &std::free);
}

void AnswerTable::insert(CachedAnswer* fresh) {
    Segment& segment = segment_of(fresh->hash());
    make_room(segment);
    segment.slots.load(std::memory_order_relaxed)->add(fresh);
    segment.live++;
    segment.taken++;
    size_++;
}

void AnswerTable::replace(CachedAnswer* old, CachedAnswer* fresh) {
    assert(old->key() == fresh->key());
    slot_of(old).store(fresh, std::memory_order_seq_cst);
    readers_.retire(old, &std::free);
}

void AnswerTable::erase(CachedAnswer* old) {
    Segment& segment = segment_of(old->hash());
    slot_of(old).store(erased(), std::memory_order_seq_cst);
    readers_.retire(old, &std::free);
    segment.live--;
    size_--;
    const std::size_t slots = segment.slots.load(std::memory_order_relaxed)->mask + 1;
    if (slots > fewest_slots && segment.live * 16 < slots) rebuild(segment);
}

} // namespace postseal::cache
