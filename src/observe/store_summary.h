// observe/store_summary.h: what the store says for metrics and the page, asked for seldom
//
// renew() asks the store at most every ten seconds, however often it is called itself, and waits
// for it a second at most: then what was said before stays.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "engine/clock.h"
#include "store/archive.h"

#include <optional>
#include <vector>

namespace postseal::observe {

struct StoreNumbers {
    store::Census census;
    std::vector<store::StsRow> failing;
    std::vector<store::HistoryRow> downgrades;
    std::vector<store::HistoryRow> changes; // of verdicts
};

class StoreSummary {
  public:
    StoreSummary(async::Loop& loop, const engine::Clock& clock, store::Archive& archive)
        : loop_(loop), clock_(clock), archive_(archive) {}

    async::Task<> renew();
    [[nodiscard]] const StoreNumbers& kept() const { return kept_; } // as of the last renew()

  private:
    async::Task<StoreNumbers> ask();

    async::Loop& loop_;
    const engine::Clock& clock_;
    store::Archive& archive_;
    StoreNumbers kept_;
    std::optional<MonoTime> asked_;
};

} // namespace postseal::observe
