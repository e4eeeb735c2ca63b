// SPDX-License-Identifier: BSD-3-Clause
#include "cache/due_index.h"

namespace postseal::cache {
namespace {

// An answer's place is counted from 1; 0: it is not in the heap.
constexpr std::uint32_t nowhere = 0;

bool sooner(const CachedAnswer& a, const CachedAnswer& b) { return a.own.due < b.own.due; }

} // namespace

void DueIndex::put(std::size_t place, CachedAnswer& answer) {
    heap_[place] = &answer;
    answer.own.due_place = static_cast<std::uint32_t>(place + 1);
}

void DueIndex::rise(std::size_t place, CachedAnswer& answer) {
    for (; place > 0; place = (place - 1) / 2) {
        CachedAnswer& parent = *heap_[(place - 1) / 2];
        if (!sooner(answer, parent)) break;
        put(place, parent);
    }
    put(place, answer);
}

// Finds the place for an answer that goes where there is none.
void DueIndex::settle(std::size_t place, CachedAnswer& answer) {
    for (;;) {
        std::size_t child = 2 * place + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && sooner(*heap_[child + 1], *heap_[child])) child++;
        if (!sooner(*heap_[child], answer)) break;
        put(place, *heap_[child]);
        place = child;
    }
    rise(place, answer);
}

void DueIndex::set(CachedAnswer& answer, MonoTime due) {
    answer.own.due = due;
    if (answer.own.due_place == nowhere) {
        heap_.push_back(&answer);
        rise(heap_.size() - 1, answer);
    } else {
        settle(answer.own.due_place - 1, answer);
    }
}

void DueIndex::remove(CachedAnswer& answer) {
    if (answer.own.due_place == nowhere) return;
    const std::size_t place = answer.own.due_place - 1;
    answer.own.due_place = nowhere;
    CachedAnswer& last = *heap_.back();
    heap_.pop_back();
    if (&last != &answer) settle(place, last);
}

} // namespace postseal::cache
