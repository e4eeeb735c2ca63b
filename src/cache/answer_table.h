// cache/answer_table.h: the answers by key: one thread writes, any number read without locks
//
// Open addressing in 256 segments that grow each by itself, so that growing never takes long: of a
// million answers some 4,000 are moved at once, in a fraction of a millisecond. A slot holds a
// pointer to a whole answer: a reader finds the old or the new one of a key that is replaced, never
// neither. A reader calls find() inside a Reading (readers.h) and keeps nothing past its end;
// pointers are stored and loaded in sequentially consistent order, as is needed there. The hash has
// a key of its own in each table: the names come from strangers.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cache/cached_answer.h"
#include "cache/readers.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postseal::cache {

class AnswerTable {
  public:
    explicit AnswerTable(Readers& readers);
    AnswerTable(const AnswerTable&) = delete;
    AnswerTable& operator=(const AnswerTable&) = delete;
    ~AnswerTable(); // the answers are freed, too; nobody reads any more

    [[nodiscard]] std::uint64_t hash(std::string_view key) const;

    // Null: not there. Thread: any, inside a Reading; the writer's without one.
    [[nodiscard]] CachedAnswer* find(std::string_view key, std::uint64_t hash) const;

    // Thread: the writer's. What leaves the table is retired.
    void insert(CachedAnswer* fresh); // its key is not there
    void replace(CachedAnswer* old, CachedAnswer* fresh);
    void erase(CachedAnswer* old);

    [[nodiscard]] std::size_t size() const { return size_; }
    // Of the slots, beside the answers.
    [[nodiscard]] std::size_t octets() const { return octets_; }

  private:
    using Slot = std::atomic<CachedAnswer*>;
    struct Slots; // a power of two of them
    struct Segment {
        std::atomic<Slots*> slots{nullptr};
        std::size_t live = 0;
        std::size_t taken = 0; // slots not empty: live ones and those of erased answers
    };
    static constexpr unsigned segment_bits = 8;

    // In the place of an answer that was erased; others may have been put behind it.
    [[nodiscard]] CachedAnswer* erased() const {
        return const_cast<CachedAnswer*>(reinterpret_cast<const CachedAnswer*>(&erased_));
    }
    [[nodiscard]] Segment& segment_of(std::uint64_t hash) {
        return segments_[hash >> (64U - segment_bits)];
    }
    [[nodiscard]] Slot& slot_of(const CachedAnswer* answer);
    [[nodiscard]] Slots* make_slots(std::size_t count);
    void make_room(Segment& segment);
    void rebuild(Segment& segment);

    Readers& readers_;
    alignas(CachedAnswer) char erased_ = 0;
    std::uint64_t seed_;
    std::size_t size_ = 0;
    std::size_t octets_ = 0;
    std::array<Segment, std::size_t{1} << segment_bits> segments_;
};

} // namespace postseal::cache
