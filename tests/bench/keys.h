// bench/keys.h: what the generator asks for, and in which order
//
// A key a line; behind a tab the whole reply that must come, if it is known. The requests are
// written once. Orders: in turn (each key once before any comes again), or by Zipf's law, where the
// first key of the file is the most popular one: the n-th comes with a weight of 1/n.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postseal::bench {

struct Key {
    std::string key;
    std::string request; // the netstring
    std::optional<std::string> expected;
};

[[nodiscard]] std::vector<Key> read_keys(const std::string& file, const std::string& map);

class Order {
  public:
    [[nodiscard]] static Order in_turn(std::size_t keys);
    [[nodiscard]] static Order zipf(std::size_t keys, std::uint64_t seed);
    // Indices of keys; goes on for ever.
    [[nodiscard]] std::uint32_t next() {
        const std::uint32_t index = picks_[at_];
        if (++at_ == picks_.size()) at_ = 0;
        return index;
    }

  private:
    std::vector<std::uint32_t> picks_; // drawn before the clock runs
    std::size_t at_ = 0;
};

} // namespace postseal::bench
