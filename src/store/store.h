// store/store.h: what survives a restart
//
// Policies by policy domain, remembered DANE state by nexthop key. A save is accepted at once and
// written with the next group commit (at most 100 ms later); flush() ends when an attempt to write
// all before it has ended.
// A load sees every save accepted before it returns. No call fails: a store that cannot read or
// write answers from what it has, says so in status() and tries again. Thread: the loop's; the work
// is done elsewhere.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "postseal/base/domain.h"
#include "postseal/base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postseal::store {

// All that is kept of a policy domain's MTA-STS: the last policy fetched with success and the last
// failure since. Times are wall clock.
struct StsRow {
    Domain domain;

    std::string body; // the policy file as served; empty: none held
    std::string id;   // of the record when it was fetched
    WallTime fetched_at;
    WallTime expires_at;

    std::uint32_t failures = 0; // in a row, for failed_id
    std::string failed_id;
    std::string fault; // https::to_string
    std::string reason;
    WallTime failed_at;
    WallTime retry_at;

    WallTime refresh_at;      // to be looked at again, asked for or not; 1970: not
    bool record_gone = false; // the _mta-sts record was not there when last looked for

    friend bool operator==(const StsRow&, const StsRow&) = default;
};

// What the last lookup that did not fail said of DANE for a nexthop (7 days).
struct DaneRow {
    std::string nexthop; // Nexthop::key()
    bool dane = false;
    WallTime seen_at;

    friend bool operator==(const DaneRow&, const DaneRow&) = default;
};

// When a policy is to be looked at again.
struct RefreshDue {
    Domain domain;
    WallTime at;

    friend bool operator==(const RefreshDue&, const RefreshDue&) = default;
};

struct Loaded {
    std::optional<StsRow> sts;
    std::optional<DaneRow> dane;

    friend bool operator==(const Loaded&, const Loaded&) = default;
};

struct Status {
    bool degraded = false;
    std::string reason;         // degraded: what failed, and since when
    std::uint64_t failures = 0; // since start
};

class Store {
  public:
    virtual ~Store() = default;
    virtual async::Task<Loaded> load(Domain policy_domain, std::string nexthop_key) = 0;
    // The rows with a refresh_at, the earliest first, at most so many; sees what load() sees.
    virtual async::Task<std::vector<RefreshDue>> next_refreshes(std::size_t most) = 0;
    virtual void save(StsRow row) = 0;
    virtual void save(DaneRow row) = 0;
    virtual async::Task<> flush() = 0;
    [[nodiscard]] virtual Status status() const = 0;
};

} // namespace postseal::store
