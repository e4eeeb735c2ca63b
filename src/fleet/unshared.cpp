// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/unshared.h"

#include <algorithm>

namespace postseal::fleet {
namespace {

constexpr std::size_t max_in_memory = 100'000;

} // namespace

void Unshared::mark(const std::string& key, std::optional<WallTime> forgotten_at) {
    if (entries_.size() >= max_in_memory && !entries_.contains(key)) {
        more_in_store_ = true;
        in_store_++;
        return;
    }
    Entry& entry = entries_[key];
    const bool fresh = entry.mark == 0;
    entry.key = key;
    entry.forgotten_at = std::max(entry.forgotten_at, forgotten_at);
    entry.mark = ++last_mark_;
    // It keeps its place.
    if (fresh) order_.push_back(key);
}

std::vector<Unshared::Entry> Unshared::next(std::size_t most) const {
    std::vector<Entry> next;
    for (auto at = order_.begin(); at != order_.end() && next.size() < most; ++at)
        next.push_back(entries_.at(*at));
    return next;
}

bool Unshared::shared(const Entry& entry) {
    const auto found = entries_.find(entry.key);
    if (found == entries_.end()) return false;
    const bool same = found->second.mark == entry.mark;
    const auto place = std::ranges::find(order_, entry.key);
    order_.erase(place);
    if (same)
        entries_.erase(found);
    else
        order_.push_back(entry.key);
    return same;
}

void Unshared::read(const store::FleetState& state) {
    for (const store::Unshared& row : state.unshared)
        if (!entries_.contains(row.key)) mark(row.key, row.forgotten_at);
    more_in_store_ = state.unshared_in_all > state.unshared.size();
    in_store_ = more_in_store_ ? state.unshared_in_all - state.unshared.size() : 0;
}

} // namespace postseal::fleet
