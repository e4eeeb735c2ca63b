// store/memory.h: a store that ends with the process, for one look-up and for tests
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/store.h"

#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace postseal::store {

class MemoryStore : public Store {
  public:
    async::Task<Loaded> load(Domain policy_domain, std::string nexthop_key) override;
    async::Task<std::vector<RefreshDue>> next_refreshes(std::size_t most) override;
    async::Task<std::vector<HistoryRow>> history(std::string nexthop, std::size_t most) override;
    async::Task<std::vector<Listed>> list(std::string after, std::size_t most) override;
    async::Task<std::vector<HistoryRow>> latest(HistoryRow::Kind kind, std::size_t most) override;
    async::Task<std::vector<StsRow>> failing(std::size_t most) override;
    async::Task<Census> census(WallTime now) override;
    void save(StsRow row) override;
    void save(NexthopRow row) override;
    void save(HistoryRow row) override;
    async::Task<bool> prune(WallTime before) override;
    void clock_jumped(ClockJump jump) override;
    async::Task<> flush() override;
    [[nodiscard]] Status status() const override { return {}; }

  private:
    std::unordered_map<Domain, StsRow> sts_;
    std::set<std::pair<WallTime, Domain>> refreshes_; // the rows of sts_ with a refresh_at
    std::map<std::string, NexthopRow> nexthops_;
    std::vector<HistoryRow> history_; // in the order saved
};

} // namespace postseal::store
