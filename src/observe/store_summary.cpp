// SPDX-License-Identifier: BSD-3-Clause
#include "observe/store_summary.h"

#include "async/timeout.h"

#include <utility>

namespace postseal::observe {
namespace {

constexpr milliseconds ask_every{10'000};
constexpr milliseconds wait_for{1'000};
constexpr std::size_t max_kept_rows = 12;

} // namespace

async::Task<> StoreSummary::renew() {
    const MonoTime now = loop_.now();
    if (asked_ && now - *asked_ < ask_every) co_return;
    asked_ = now;
    auto kept = co_await async::with_timeout(loop_, ask(), wait_for);
    if (kept) kept_ = *std::move(kept);
}

async::Task<StoreNumbers> StoreSummary::ask() {
    using Kind = store::HistoryRow::Kind;
    StoreNumbers kept;
    kept.census = co_await archive_.ask(store::census, clock_.now());
    kept.failing = co_await archive_.ask(store::failing_policies, max_kept_rows);
    kept.downgrades = co_await archive_.ask(store::latest_history, Kind::downgrade, max_kept_rows);
    kept.changes = co_await archive_.ask(store::latest_history, Kind::verdict, max_kept_rows);
    co_return kept;
}

} // namespace postseal::observe
