// engine/cache.h: the answers in memory, by canonical nexthop key
//
// find() neither allocates nor changes the order of anything; it marks the entry as used. When the
// configured octets are used up, entries that were not used since the hand last came by make room.
// What is evicted is not lost: the store and the network still have it.
// Entries with a time for their look-ahead are in an index by that time: next_due(), take_due().
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/answer.h"
#include "postseal/base/time.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

namespace postseal::engine {

class Cache {
  public:
    explicit Cache(std::size_t most_octets);
    Cache(const Cache&) = delete;
    Cache& operator=(const Cache&) = delete;
    ~Cache() = default;

    // Never looked ahead for.
    static constexpr MonoTime not_due = MonoTime::max();

    struct Times {
        MonoTime until;
        MonoTime due = not_due; // its look-ahead
        MonoTime asked;         // by a client, the latest that the caller knows of
    };
    struct Due {
        std::string key;
        MonoTime asked; // when it was last asked for
    };

    // Null: not there, or no longer valid. Valid until the cache is next changed.
    [[nodiscard]] const Replies* find(std::string_view key, MonoTime now);

    // `failures`: evaluations in a row with a failed lookup, this one included.
    void put(std::string_view key, std::shared_ptr<const Replies> replies, const Times& times,
             unsigned failures);
    // The last lookup failed and what was put before it without a failure is still valid: that
    // stays until its end, and is looked at again at `due`. False: there is none such.
    bool postpone(std::string_view key, MonoTime now, MonoTime due, unsigned failures);
    // Also of an entry no longer valid; 0 where there is none.
    [[nodiscard]] unsigned failures(std::string_view key) const;

    void erase(std::string_view key);
    void clear();
    // Counts from now on; a smaller one is reached little by little, as entries are put.
    void limit(std::size_t most_octets) { most_octets_ = most_octets; }

    [[nodiscard]] MonoTime next_due() const;
    // The entry whose look-ahead came first, if it has come; it is then not due any more.
    [[nodiscard]] std::optional<Due> take_due(MonoTime now);

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] std::size_t octets() const { return octets_; }
    [[nodiscard]] std::size_t most_octets() const { return most_octets_; }
    [[nodiscard]] std::uint64_t evictions() const { return evictions_; } // since start

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };
    struct Entry;
    using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;
    struct Entry {
        std::shared_ptr<const Replies> replies;
        MonoTime until;
        MonoTime due = not_due; // in due_ if it is a time
        MonoTime asked;
        Entries::value_type* next = nullptr; // the ring that the hand goes round
        Entries::value_type* prev = nullptr;
        std::uint32_t octets = 0; // as counted in octets_
        std::uint16_t failures = 0;
        bool used = false;
        bool sound = false; // put without a failure
    };
    struct Sooner {
        bool operator()(const Entries::value_type* a, const Entries::value_type* b) const {
            return a->second.due != b->second.due ? a->second.due < b->second.due
                                                  : std::less<>()(a, b);
        }
    };

    [[nodiscard]] static std::size_t octets_of(const Entries::value_type& item);
    void set_due(Entries::value_type& item, MonoTime due);
    void link(Entries::value_type& item);
    void evict_one();
    void drop(Entries::iterator item);

    std::size_t most_octets_;
    std::size_t octets_ = 0;
    std::uint64_t evictions_ = 0;
    Entries entries_;
    std::set<Entries::value_type*, Sooner> due_;
    Entries::value_type* hand_ = nullptr;
};

} // namespace postseal::engine
