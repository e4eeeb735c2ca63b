// engine/sts_lookup.h: what a policy domain promises by MTA-STS, from store, DNS and HTTPS
//
// The stored policy counts at once; the _mta-sts record says whether another must be fetched
// (RFC 8461 section 3.3). A policy lives min(max_age, 31557600 s) from its last successful fetch:
// nothing else extends its life, and no failure shortens it. A failed fetch is not repeated for the
// same id before its back-off ends, across restarts. A policy near its end is fetched first, so
// that no verdict is decided after the end of a policy that its host still serves. refresh()
// fetches an unexpired policy again, whatever the record says, and notices the end of one that
// nobody renewed. Each row says in refresh_at when that is due. One lookup per policy domain at a
// time.
// What is not read is not absent: while the database says nothing, a record is looked up and a
// policy fetched all the same, and Sts::unread says that another may be held. Waiting for a turn of
// ours is not a failure of the policy host, and is not kept as one.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/clock_watch.h"
#include "engine/dependencies.h"
#include "engine/downgrades.h"
#include "engine/single_flight.h"
#include "postseal/base/domain.h"
#include "postseal/verdict/evidence.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

namespace postseal::engine {

class StsLookup {
  public:
    struct Result {
        verdict::Sts sts;
        seconds txt_ttl{0}; // 0: the lookup failed
    };
    struct Progress {
        verdict::Sts sts;             // what is known so far
        milliseconds moved{0};        // ClockWatch::moved() at its times
        std::size_t waits = 0;        // turns of ours, for the record or at the policy host
        std::string elsewhere;        // see store::Loaded
        bool forgotten = false;       // meanwhile: what it finds is not kept, and counts for nobody
        store::StsRow* row = nullptr; // what the lookup will write over; null: it has done so
        // With the times of a clock that has been moved so far.
        void move(milliseconds moved_now);
        [[nodiscard]] verdict::Sts shown(milliseconds moved_now) const;
    };
    using Flights = SingleFlight<Domain, Result, Progress>;

    StsLookup(Dependencies dependencies, ClockWatch& watch, Downgrades& downgrades)
        : dependencies_(dependencies), watch_(watch), downgrades_(downgrades),
          flights_(dependencies.loop) {}

    // if_new: as the record says; daily: unless a fetch failed lately; now: at once, if there is a
    // record or a policy is held.
    enum class Fetch { if_new, daily, now };
    // Who looks up for whom: `slot` is the client's place among the active lookups. It is given
    // back when only the policy host is waited for, which the fetcher's own limits bound.
    using Slot = std::shared_ptr<async::Limiter::Permit>;
    struct For {
        async::Limiter::ClientId client = nullptr;
        Slot slot;
    };
    // `held` is what the store holds at this moment, or why that is not known. A lookup that is
    // in progress takes from it what is newer than it knows.
    Flights::Shared start_or_join(const Domain& domain, store::Loaded held, Fetch when, For whom);
    // What is known of the domain is blank from now on, and what is in progress does not change
    // that.
    void forget(const Domain& domain);

    [[nodiscard]] Flights::Shared pending(const Domain& domain) const {
        return flights_.find(domain);
    }

    // What is due for the domain by its row's refresh_at, if anything is. True: its policy is
    // another now.
    [[nodiscard]] async::Task<bool> refresh(Domain domain);

    // Called with the refresh_at of each row that is saved; must only post or set a timer. One
    // listener, which gives {} before it ends.
    using OnDue = std::function<void(WallTime)>;
    void on_due(OnDue listener) { on_due_ = std::move(listener); }
    void save(store::StsRow row);

  private:
    async::Task<Result> look_up(store::StsRow row, Progress& progress, Fetch when, For whom);
    void take_newer(store::Loaded held, Progress& progress);
    void expire(store::StsRow row, WallTime end);
    void note_doubt(const store::StsRow& row, verdict::Sts& sts);
    bool note_record(store::StsRow& row, const verdict::Sts& sts);
    async::Task<> fetch(store::StsRow row, Progress& progress, async::Limiter::ClientId client);
    void keep(store::StsRow row, const https::FetchedPolicy& fetched, verdict::Sts& sts);
    void keep(store::StsRow row, const https::FetchError& error, verdict::Sts& sts);
    void put_off(store::StsRow row, const store::Moment& moment);

    Dependencies dependencies_;
    ClockWatch& watch_;
    Downgrades& downgrades_;
    OnDue on_due_;
    bool doubt_logged_ = false;
    std::size_t fetching_ = 0;
    Flights flights_; // last: its bodies use the rest
};

} // namespace postseal::engine
