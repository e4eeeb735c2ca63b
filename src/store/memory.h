// store/memory.h: a store that ends with the process, for one look-up and for tests
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/store.h"

#include <set>
#include <unordered_map>
#include <utility>

namespace postseal::store {

class MemoryStore final : public Store {
  public:
    async::Task<Loaded> load(Domain policy_domain, std::string nexthop_key) override;
    async::Task<std::vector<RefreshDue>> next_refreshes(std::size_t most) override;
    void save(StsRow row) override;
    void save(DaneRow row) override;
    async::Task<> flush() override;
    [[nodiscard]] Status status() const override { return {}; }

  private:
    std::unordered_map<Domain, StsRow> sts_;
    std::set<std::pair<WallTime, Domain>> refreshes_; // the rows of sts_ with a refresh_at
    std::unordered_map<std::string, DaneRow> dane_;
};

} // namespace postseal::store
