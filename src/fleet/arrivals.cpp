// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/arrivals.h"

#include <chrono>
#include <utility>

namespace postseal::fleet {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most = 4096;
constexpr milliseconds kept_for = 3min; // a lookup and a fetch end before

} // namespace

void Arrivals::note(const store::StsRow& row, MonoTime now) {
    const std::uint64_t number = ++last_;
    rows_.insert_or_assign(row.domain.name(), Arrival{row, number});
    order_.push_back({now, row.domain.name(), number});
    while (order_.size() > most || now - order_.front().at > kept_for) {
        const Slot& oldest = order_.front();
        const auto found = rows_.find(oldest.name);
        if (found != rows_.end() && found->second.number == oldest.number) rows_.erase(found);
        order_.pop_front();
    }
}

store::StsRow Arrivals::caught_up(store::StsRow row, WallTime wall) {
    const auto found = rows_.find(row.domain.name());
    if (found == rows_.end() || row.fetched_at >= found->second.row.fetched_at) return row;
    return merge({.row = found->second.row, .forgotten_at = {}},
                 {.row = std::move(row), .forgotten_at = {}}, wall)
        .row;
}

} // namespace postseal::fleet
