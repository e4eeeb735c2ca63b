// SPDX-License-Identifier: BSD-3-Clause
#include "store/memory.h"

namespace postseal::store {

async::Task<Loaded> MemoryStore::load(Domain policy_domain, std::string nexthop_key) {
    Loaded loaded;
    if (const auto found = sts_.find(policy_domain); found != sts_.end())
        loaded.sts = found->second;
    if (const auto found = dane_.find(nexthop_key); found != dane_.end())
        loaded.dane = found->second;
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

void MemoryStore::save(StsRow row) {
    Domain key = row.domain;
    if (const auto old = sts_.find(key); old != sts_.end())
        refreshes_.erase({old->second.refresh_at, key});
    if (row.refresh_at != WallTime{}) refreshes_.emplace(row.refresh_at, key);
    sts_.insert_or_assign(std::move(key), std::move(row));
}

void MemoryStore::save(DaneRow row) {
    std::string key = row.nexthop;
    dane_.insert_or_assign(std::move(key), std::move(row));
}

async::Task<> MemoryStore::flush() { co_return; }

} // namespace postseal::store
