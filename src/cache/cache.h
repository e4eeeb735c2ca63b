// cache/cache.h: the answers in memory, by canonical nexthop key
//
// One thread, the engine's, puts and drops; find_from() is for the others, and takes no lock. What
// the configured octets do not hold makes room in the order of eviction.h. What is evicted is not
// lost: the store and the network still have it.
// outdate() makes all that is there invalid at once; it is freed little by little.
// Entries with a time for their prefetch are in an index by that time: next_due(), take_due().
// Octets are those that malloc(3) takes, its bookkeeping included, for all of this; what awaits the
// end of a Reading is left out, and is freed with the next put.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cache/answer_table.h"
#include "cache/cached_answer.h"
#include "cache/due_index.h"
#include "cache/eviction.h"
#include "cache/readers.h"
#include "cache/replies.h"
#include "postseal/base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postseal::cache {

class Cache {
  public:
    // `readers`: of this cache, and of what else they find in one Reading.
    Cache(Readers& readers, std::size_t max_octets);
    Cache(const Cache&) = delete;
    Cache& operator=(const Cache&) = delete;
    ~Cache() = default;

    // Never looked ahead for.
    static constexpr MonoTime not_due = MonoTime::max();

    struct Times {
        MonoTime until;
        MonoTime due = not_due;     // its prefetch
        MonoTime asked;             // by a client, the latest that the caller knows of
        bool opportunistic = false; // it holds the other side to no promise
    };
    struct Due {
        std::string key;
        MonoTime asked; // when it was last asked for
    };

    // Null: not there, or no longer valid. Marked as asked for. Valid until the cache is next
    // changed.
    [[nodiscard]] const CachedAnswer* find(std::string_view key, MonoTime now) {
        return find_from(key, edition_, now);
    }
    // The same for any thread: inside a Reading, and valid until its end. Edition: as published
    // with the maps whose variants the caller means.
    [[nodiscard]] const CachedAnswer* find_from(std::string_view key, unsigned edition,
                                                MonoTime now) const;

    // `failures`: evaluations in a row with a failed lookup, this one included.
    void put(std::string_view key, const Replies& replies, const Times& times, unsigned failures);
    // The last lookup failed and what was put before it without a failure is still valid: that
    // stays until its end, and is looked at again at `due`. False: there is none such; or the
    // lookup has seen a promise (`promised`), and that answer knows of none.
    bool postpone(std::string_view key, MonoTime now, MonoTime due, unsigned failures,
                  bool promised = false);
    // Also of an entry no longer valid; 0 where there is none.
    [[nodiscard]] unsigned failures(std::string_view key) const;

    void erase(std::string_view key);
    // Only if what is there was put with a failure.
    void erase_unsound(std::string_view key);
    // Counted up by outdate().
    [[nodiscard]] unsigned edition() const { return edition_; }
    void outdate();
    // Counts from now on; a smaller one is reached little by little, as entries are put.
    void limit(std::size_t max_octets) { max_octets_ = max_octets; }

    [[nodiscard]] MonoTime next_due() const;
    // The entry whose prefetch came first, if it has come; it is then not due any more.
    [[nodiscard]] std::optional<Due> take_due(MonoTime now);

    // Outdated ones left out.
    [[nodiscard]] std::size_t size() const { return eviction_.size(); }
    [[nodiscard]] std::size_t octets() const {
        return table_.octets() + eviction_.octets() + due_.octets();
    }
    [[nodiscard]] std::size_t max_octets() const { return max_octets_; }
    // Valid ones that made room for others, since start.
    [[nodiscard]] std::uint64_t evictions() const { return evictions_; }

  private:
    [[nodiscard]] CachedAnswer* at(std::string_view key) const {
        return table_.find(key, table_.hash(key));
    }
    void set_due(CachedAnswer& answer, MonoTime due);
    void make_room();
    void drop(CachedAnswer& answer);

    std::size_t max_octets_;
    std::uint64_t evictions_ = 0;
    unsigned edition_ = 0;
    AnswerTable table_;
    Eviction eviction_;
    DueIndex due_;
};

} // namespace postseal::cache
