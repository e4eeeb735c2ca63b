// SPDX-License-Identifier: BSD-3-Clause
#include "cache/readers.h"

#include <algorithm>

namespace postseal::cache {

void Readers::free_all(std::vector<Retired>& retired) {
    for (const Retired& one : retired)
        one.free(one.object);
    retired.clear();
}

Readers::~Readers() {
    free_all(waiting_);
    free_all(fresh_);
}

void Readers::remove(Reader& reader) {
    std::erase(readers_, &reader);
    std::erase_if(seen_, [&](const Seen& seen) { return seen.reader == &reader; });
}

void Readers::retire(void* object, void (*free)(void*)) {
    fresh_.push_back({object, free});
    collect();
}

void Readers::collect() {
    if (!all_have_ended()) return;
    free_all(waiting_);
    if (fresh_.empty()) return;
    waiting_.swap(fresh_);
    look();
    if (seen_.empty()) free_all(waiting_);
}

void Readers::look() {
    seen_.clear();
    for (const Reader* reader : readers_)
        if (const std::uint64_t steps = reader->steps_.load(std::memory_order_seq_cst);
            steps % 2 == 1)
            seen_.push_back({reader, steps});
}

bool Readers::all_have_ended() const {
    return std::ranges::all_of(seen_, [](const Seen& seen) {
        return seen.reader->steps_.load(std::memory_order_acquire) != seen.steps;
    });
}

} // namespace postseal::cache
