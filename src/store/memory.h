// store/memory.h: a store that ends with the process, for one look-up and for tests
//
// An SQLite database without a file, so what is asked of it is answered as by the daemon's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/archive.h"
#include "store/database.h"
#include "store/store.h"
#include "store/upkeep.h"

#include <memory>

namespace postseal::store {

class MemoryStore : public Store, public Archive {
  public:
    MemoryStore();
    async::Task<Loaded> load(Domain policy_domain, std::string nexthop_key) override;
    async::Task<std::vector<RefreshDue>> next_refreshes(std::size_t most) override;
    void save(StsRow row) override;
    void save(NexthopRow row) override;
    void save(HistoryRow row) override;
    async::Task<bool> prune(WallTime before) override;
    void clock_jumped(ClockJump jump) override;
    async::Task<> flush() override;
    [[nodiscard]] Status status() const override { return {}; }

  private:
    async::Task<> run(Job job) override;

    std::unique_ptr<Database> database_;
    Pruning pruning_;
};

} // namespace postseal::store
