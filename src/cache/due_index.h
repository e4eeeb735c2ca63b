// cache/due_index.h: the answers that are to be looked up again, the soonest first
//
// A heap in which each answer knows its place.
// Thread: the writer's of the answers' table.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cache/cached_answer.h"

#include <cstddef>
#include <deque>

namespace postseal::cache {

class DueIndex {
  public:
    // Whether it was there or not.
    void set(CachedAnswer& answer, MonoTime due);
    void remove(CachedAnswer& answer);

    // Null: none.
    [[nodiscard]] CachedAnswer* first() const { return heap_.empty() ? nullptr : heap_.front(); }
    [[nodiscard]] std::size_t octets() const { return heap_.size() * sizeof(CachedAnswer*); }

  private:
    void put(std::size_t place, CachedAnswer& answer);
    void rise(std::size_t place, CachedAnswer& answer);
    void settle(std::size_t place, CachedAnswer& answer);

    std::deque<CachedAnswer*> heap_; // grows without being copied
};

} // namespace postseal::cache
