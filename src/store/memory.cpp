// SPDX-License-Identifier: BSD-3-Clause
#include "store/memory.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <ranges>

namespace postseal::store {

async::Task<Loaded> MemoryStore::load(Domain policy_domain, std::string nexthop_key) {
    Loaded loaded;
    if (const auto found = sts_.find(policy_domain); found != sts_.end())
        loaded.sts = found->second;
    if (const auto found = nexthops_.find(nexthop_key); found != nexthops_.end())
        loaded.nexthop = found->second;
    co_return loaded;
}

async::Task<std::vector<RefreshDue>> MemoryStore::next_refreshes(std::size_t most) {
    std::vector<RefreshDue> next;
    for (const auto& [at, domain] : refreshes_) {
        if (next.size() == most) break;
        next.push_back({.domain = domain, .at = at});
    }
    co_return next;
}

async::Task<std::vector<HistoryRow>> MemoryStore::history(std::string nexthop, std::size_t most) {
    std::vector<HistoryRow> rows;
    for (const HistoryRow& row : std::views::reverse(history_))
        if (row.nexthop == nexthop && rows.size() < most) rows.push_back(row);
    co_return rows;
}

async::Task<std::vector<Listed>> MemoryStore::list(std::string after, std::size_t most) {
    std::vector<Listed> rows;
    for (auto at = nexthops_.upper_bound(after); at != nexthops_.end() && rows.size() < most;
         ++at) {
        Listed& row = rows.emplace_back(Listed{.nexthop = at->second, .sts = {}});
        const auto domain = policy_domain(row.nexthop);
        if (!domain) continue;
        if (const auto found = sts_.find(*domain); found != sts_.end()) row.sts = found->second;
    }
    co_return rows;
}

async::Task<std::vector<HistoryRow>> MemoryStore::latest(HistoryRow::Kind kind, std::size_t most) {
    std::vector<HistoryRow> rows;
    std::ranges::copy_if(history_, std::back_inserter(rows),
                         [&](const HistoryRow& row) { return row.kind == kind; });
    std::ranges::sort(rows, std::greater<>(),
                      [](const HistoryRow& row) { return std::pair(row.at, row.nexthop); });
    if (rows.size() > most) rows.resize(most);
    co_return rows;
}

async::Task<std::vector<StsRow>> MemoryStore::failing(std::size_t most) {
    std::vector<StsRow> rows;
    for (const auto& [domain, row] : sts_)
        if (row.failures > 0) rows.push_back(row);
    std::ranges::sort(rows, std::greater<>(),
                      [](const StsRow& row) { return std::pair(row.failed_at, row.domain); });
    if (rows.size() > most)
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(most), rows.end());
    co_return rows;
}

async::Task<Census> MemoryStore::census(WallTime now) {
    Census census;
    for (const auto& [domain, row] : sts_) {
        if (const auto mode = held_mode(row)) census.modes[std::string(to_string(*mode))]++;
        if (row.failures > 0) census.failing++;
        if (row.refresh_at != WallTime{} && row.refresh_at <= now) census.due++;
    }
    for (const auto& [key, row] : nexthops_)
        census.verdicts[row.verdict.substr(0, row.verdict.find(' '))]++;
    census.due = std::min(census.due, Census::most_due);
    co_return census;
}

void MemoryStore::save(StsRow row) {
    Domain key = row.domain;
    if (const auto old = sts_.find(key); old != sts_.end()) {
        refreshes_.erase({old->second.refresh_at, key});
        row = over(std::move(row), old->second);
    }
    row.replaces = false;
    if (row.refresh_at != WallTime{}) refreshes_.emplace(row.refresh_at, key);
    if (is_blank(row))
        sts_.erase(key);
    else
        sts_.insert_or_assign(std::move(key), std::move(row));
}

void MemoryStore::save(NexthopRow row) {
    std::string key = row.nexthop;
    if (const auto old = nexthops_.find(key); old != nexthops_.end())
        row = over(std::move(row), old->second);
    row.replaces = false;
    if (is_blank(row))
        nexthops_.erase(key);
    else
        nexthops_.insert_or_assign(std::move(key), std::move(row));
}

void MemoryStore::save(HistoryRow row) { history_.push_back(std::move(row)); }

async::Task<bool> MemoryStore::prune(WallTime before) {
    std::erase_if(history_, [&](const HistoryRow& row) { return row.at < before; });
    std::erase_if(nexthops_, [&](const auto& item) { return item.second.seen_at < before; });
    std::erase_if(sts_, [&](const auto& item) {
        const StsRow& row = item.second;
        return row.refresh_at == WallTime{} &&
               std::max({row.expires_at, row.fetched_at, row.failed_at}) < before;
    });
    co_return true;
}

void MemoryStore::clock_jumped(ClockJump jump) {
    refreshes_.clear();
    for (auto& [domain, row] : std::exchange(sts_, {}))
        save(rescheduled(std::move(row), jump));
}

async::Task<> MemoryStore::flush() { co_return; }

} // namespace postseal::store
