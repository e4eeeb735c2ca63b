// cache/readers.h: memory that other threads may still be reading, and when it can be freed
//
// One thread writes, any number read without locks. A reader is in a Reading while it follows
// pointers that the writer publishes, and keeps none of them past its end; it must not wait inside.
// What the writer has taken out of reach it gives to retire(), which frees it when every Reading
// that was in progress then has ended.
//
// Why that is enough. Four operations are sequentially consistent, so all threads see them in one
// order: the reader's begin B and its load of a pointer P, the writer's unlinking U, and its look
// at the reader's count L, which comes after U. A Reading that L does not see as begun has L before
// B, thus U before P: it cannot find what was unlinked. One that L sees as in progress is waited
// for. One that has ended did so with a release that the writer's load acquires, so all that it
// read happened before the free.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace postseal::cache {

// One for each reading thread, at the same address for as long as it is among the Readers.
class Reader {
  public:
    Reader() = default;
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() = default;

  private:
    friend class Reading;
    friend class Readers;
    std::atomic<std::uint64_t> steps_{0}; // odd: a Reading is in progress
};

class Reading {
  public:
    explicit Reading(Reader& reader)
        : steps_(reader.steps_), begun_(steps_.load(std::memory_order_relaxed) + 1) {
        assert(begun_ % 2 == 1); // one at a time
        steps_.store(begun_, std::memory_order_seq_cst);
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading() { steps_.store(begun_ + 1, std::memory_order_release); }

  private:
    std::atomic<std::uint64_t>& steps_;
    std::uint64_t begun_;
};

// Thread: the writer's.
class Readers {
  public:
    Readers() = default;
    Readers(const Readers&) = delete;
    Readers& operator=(const Readers&) = delete;
    ~Readers(); // nobody reads any more

    void add(Reader& reader) { readers_.push_back(&reader); }
    void remove(Reader& reader); // it does not read any more

    // No pointer leads to it any more, stored so with seq_cst.
    void retire(void* object, void (*free)(void*));
    // Frees what can be freed; retire() does so by itself.
    void collect();
    // Objects not yet freed.
    [[nodiscard]] std::size_t waiting() const { return fresh_.size() + waiting_.size(); }

  private:
    struct Retired {
        void* object;
        void (*free)(void*);
    };
    static void free_all(std::vector<Retired>& retired);
    void look();
    [[nodiscard]] bool all_have_ended() const;

    struct Seen {
        const Reader* reader;
        std::uint64_t steps;
    };
    std::vector<Reader*> readers_;
    std::vector<Seen> seen_;       // who was reading when waiting_ was unlinked
    std::vector<Retired> waiting_; // until all of seen_ have ended
    std::vector<Retired> fresh_;   // retired since
};

} // namespace postseal::cache
