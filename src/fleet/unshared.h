// fleet/unshared.h: which rows the shared store does not have yet
//
// In the order in which they were marked. Those of this run are in memory, 100,000 at most; more of
// them, and those of runs before, are in SQLite only and are taken from there when memory has none
// left. A row that is saved again while it is being shared stays marked.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/fleet_rows.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace postseal::fleet {

class Unshared {
  public:
    struct Entry {
        std::string key; // "sts/DOMAIN" or "nexthop/KEY"
        std::optional<WallTime> forgotten_at;
        std::uint64_t mark = 0;
    };

    void mark(const std::string& key, std::optional<WallTime> forgotten_at);
    // The next ones, oldest first; they stay marked.
    [[nodiscard]] std::vector<Entry> next(std::size_t most) const;
    // True: it has not been marked again since, and is no longer.
    [[nodiscard]] bool shared(const Entry& entry);

    // What SQLite has, and how much in all.
    void read(const store::FleetState& state);
    [[nodiscard]] bool must_read() const { return entries_.empty() && more_in_store_; }
    [[nodiscard]] bool empty() const { return entries_.empty() && !more_in_store_; }
    [[nodiscard]] std::size_t size() const { return entries_.size() + in_store_; }

  private:
    std::unordered_map<std::string, Entry> entries_;
    std::deque<std::string> order_; // their keys
    std::uint64_t last_mark_ = 0;
    bool more_in_store_ = true;
    std::size_t in_store_ = 0; // beyond those in memory, when it was last read
};

} // namespace postseal::fleet
