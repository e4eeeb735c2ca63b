// cache/cached_answer.h: one answer in memory: key and replies in one block
//
// What readers on other threads look at never changes; another answer for the key is another block.
// The marks that they leave are atomics without order: one that comes late or is lost moves an
// eviction or a prefetch, nothing else. The rest is the writer's (Cache's) own.
// A block of malloc(3), so that Readers can free it.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cache/replies.h"
#include "postseal/base/time.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postseal::cache {

class CachedAnswer {
  public:
    struct Header {
        std::uint64_t hash = 0; // of the key
        unsigned edition = 0;   // of the maps that the replies were written for
        MonoTime until;         // not valid from then on
        MonoTime asked;         // by a client, the latest known one
    };
    // Key and replies together are under 4 GiB. Throws std::bad_alloc.
    [[nodiscard]] static CachedAnswer* make(std::string_view key, const Replies& replies,
                                            const Header& header);
    CachedAnswer(const CachedAnswer&) = delete;
    CachedAnswer& operator=(const CachedAnswer&) = delete;

    [[nodiscard]] std::string_view key() const { return {octets(), key_size_}; }
    [[nodiscard]] std::size_t size() const { return replies_; }
    // One whole reply, as it goes over the wire; a variant of the edition.
    [[nodiscard]] std::string_view at(std::size_t variant) const;
    // As [verdict] judges.
    [[nodiscard]] verdict::Class cls() const { return static_cast<verdict::Class>(cls_); }
    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    // Written for that edition of the maps, and its time is not over.
    [[nodiscard]] bool valid(unsigned edition, MonoTime now) const {
        return edition_ == edition && now < until_;
    }
    [[nodiscard]] unsigned edition() const { return edition_; }

    // A client has asked.
    static constexpr unsigned max_uses = 3;
    void mark(MonoTime now) {
        if (asked_.load(std::memory_order_relaxed) != now)
            asked_.store(now, std::memory_order_relaxed);
        if (const std::uint8_t uses = uses_.load(std::memory_order_relaxed); uses < max_uses)
            uses_.store(static_cast<std::uint8_t>(uses + 1), std::memory_order_relaxed);
    }
    [[nodiscard]] MonoTime asked() const { return asked_.load(std::memory_order_relaxed); }
    [[nodiscard]] unsigned uses() const { return uses_.load(std::memory_order_relaxed); }
    void set_uses(unsigned uses) {
        uses_.store(static_cast<std::uint8_t>(uses), std::memory_order_relaxed);
    }

    // What malloc(3) took for it.
    [[nodiscard]] std::size_t taken() const { return taken_; }

    // The writer's own.
    struct Own {
        CachedAnswer* next = nullptr; // in its queue of Eviction
        CachedAnswer* prev = nullptr;
        MonoTime due;                // its prefetch, if it is in the DueIndex
        std::uint32_t due_place = 0; // there; see DueIndex
        std::uint8_t failures = 0;   // evaluations in a row with a failed lookup
        bool sound = false;          // found without one
        bool opportunistic = false;  // it holds the other side to no promise
        bool main = false;           // its queue
    } own;

  private:
    CachedAnswer(std::string_view key, const Replies& replies, const Header& header);
    ~CachedAnswer() = default;

    // Behind the object: the ends of the replies, counted from the key's end; the key; the replies.
    [[nodiscard]] const std::uint32_t* ends() const {
        return reinterpret_cast<const std::uint32_t*>(this + 1);
    }
    [[nodiscard]] const char* octets() const {
        return reinterpret_cast<const char*>(ends() + replies_);
    }

    std::uint64_t hash_;
    MonoTime until_;
    std::atomic<MonoTime> asked_;
    std::uint32_t edition_;
    std::uint32_t taken_ = 0;
    std::uint16_t key_size_;
    std::uint16_t replies_;
    std::uint8_t cls_;
    std::atomic<std::uint8_t> uses_{0};
};

// What malloc(3) took for a block, its own bookkeeping included.
[[nodiscard]] std::size_t octets_taken(void* block);

} // namespace postseal::cache
