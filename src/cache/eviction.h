// cache/eviction.h: which answer makes room for others
//
// S3-FIFO (Yang, Zhang, Qiu, Yue, Vigfusson, SOSP 2023), in octets: a young queue of a tenth of the
// memory and a main one. An answer asked for twice while it is young goes on to the main queue; the
// others leave, so that a flood of names asked for once goes through the young queue and does not
// touch the main one. What left young is remembered by a fingerprint, and goes to the main queue
// when it comes back. In the main queue an answer that was asked for goes round again.
// Outdated answers, those of an earlier edition of the maps, go before all others.
// A choice looks at a bounded number of answers.
// Thread: the writer's of the answers' table.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cache/cached_answer.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace postseal::cache {

class Eviction {
  public:
    void add(CachedAnswer& fresh);
    // The fresh one, of the present edition, takes the place of the old one, with its marks.
    void replace(CachedAnswer& old, CachedAnswer& fresh);
    void remove(CachedAnswer& answer);
    // All that is there; `edition` is that of the answers to come.
    void outdate(unsigned edition);

    // The one to remove next; there is one.
    [[nodiscard]] CachedAnswer& choose();
    [[nodiscard]] bool any_outdated() const { return outdated_.first != nullptr; }

    // Outdated ones left out.
    [[nodiscard]] std::size_t size() const { return young_.size + main_.size; }
    // Of the answers, and of what is remembered beside them.
    [[nodiscard]] std::size_t octets() const;

  private:
    struct Queue {
        CachedAnswer* first = nullptr;
        CachedAnswer* last = nullptr;
        std::size_t size = 0;
        std::size_t octets = 0;
        void push(CachedAnswer& answer);
        void unlink(CachedAnswer& answer);
        void append(Queue& other);
    };
    [[nodiscard]] Queue& queue_of(const CachedAnswer& answer);
    [[nodiscard]] bool spare(CachedAnswer& answer);
    void remember(const CachedAnswer& answer);
    [[nodiscard]] bool was_here(const CachedAnswer& answer);

    Queue young_;
    Queue main_;
    Queue outdated_;
    unsigned edition_ = 0;
    std::vector<std::uint32_t> ghosts_; // fingerprints, at the place that the hash says; 0: none
};

} // namespace postseal::cache
