// engine/answer_memory.h: what serving threads read: the maps, and the answers written for them
//
// Also the addresses that have an override: no other address is asked about.
// The engine's thread writes, each serving thread has a Snapshot at it while it answers a request.
// Maps and answers belong together by their edition: answers of another edition than that of the
// Snapshot's maps are not found by it, so that a reload is seen as a whole or not at all.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cache/cache.h"
#include "cache/readers.h"
#include "engine/maps.h"
#include "engine/overrides.h"
#include "postseal/base/nexthop.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace postseal::engine {

class AnswerMemory {
  public:
    AnswerMemory(std::shared_ptr<const Maps> maps, AddressKeys addresses, std::size_t max_octets);
    AnswerMemory(const AnswerMemory&) = delete;
    AnswerMemory& operator=(const AnswerMemory&) = delete;
    ~AnswerMemory(); // nobody looks any more

    // Thread: the engine's.
    [[nodiscard]] cache::Readers& readers() { return readers_; }
    [[nodiscard]] cache::Cache& cache() { return cache_; }
    [[nodiscard]] const cache::Cache& cache() const { return cache_; }
    [[nodiscard]] const std::shared_ptr<const Maps>& maps() const { return edition()->maps; }
    // All that the cache has is outdated: the maps are others, or the same answer otherwise.
    void publish(std::shared_ptr<const Maps> maps);
    void publish(std::shared_ptr<const Maps> maps, AddressKeys addresses);
    // What the cache has stays.
    void set_addresses(AddressKeys addresses);

  private:
    friend class Snapshot;
    struct Edition {
        unsigned number; // as the cache counts
        std::shared_ptr<const Maps> maps;
        AddressKeys addresses; // that have an override
    };
    void replace(Edition* edition);
    [[nodiscard]] const Edition* edition() const {
        return edition_.load(std::memory_order_seq_cst);
    }

    cache::Readers readers_;
    cache::Cache cache_;
    std::atomic<const Edition*> edition_;
};

// What a thread sees of it at one moment; all of it is good until the Snapshot's end. One at a time
// a thread; nothing may wait inside.
class Snapshot {
  public:
    Snapshot(const AnswerMemory& known, cache::Reader& reader)
        : reading_(reader), cache_(known.cache_), edition_(*known.edition()) {}
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    ~Snapshot() = default;

    [[nodiscard]] const Maps& maps() const { return *edition_.maps; }
    // An address that has an override; all others have no policy, and nobody is asked.
    [[nodiscard]] std::optional<Nexthop> address(std::string_view key) const {
        return edition_.addresses.find(key);
    }
    // Null: not known, ask. Keys are canonical (Nexthop::key()); another spelling is just not
    // found. Marked as asked for.
    [[nodiscard]] const cache::CachedAnswer* find(std::string_view key, MonoTime now) const {
        return cache_.find_from(key, edition_.number, now);
    }

  private:
    cache::Reading reading_; // first: before all that is read
    const cache::Cache& cache_;
    const AnswerMemory::Edition& edition_;
};

} // namespace postseal::engine
