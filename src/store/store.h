// store/store.h: what survives a restart
//
// Policies by policy domain, what was last known of each nexthop, and the history of its verdicts.
// A save is accepted at once and written with the next group commit (at most 100 ms later); flush()
// ends when an attempt to write all before it has ended.
// A load sees every save accepted before it returns. What is stored of all of them is read by
// store/archive.h. No call fails: a store that cannot read or write answers from what it has, says
// so in status() and tries again. A load ends in a row, in no row, or in "not read" (Loaded). What
// was not read is not overwritten: a row is saved over the one that is there (over()), so a row
// without a policy never takes a policy's place.
// Thread: the loop's; the work is done elsewhere.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "postseal/base/domain.h"
#include "postseal/base/text.h"
#include "postseal/base/time.h"
#include "postseal/mtasts/policy.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::store {

// The present, by every clock that there is.
struct Moment {
    WallTime now;
    bool confirmed = false;  // now may be believed where that destroys something
    std::string boot;        // of the machine
    milliseconds elapsed{0}; // since some moment of that boot; nobody sets it
};

// How old a policy is, by clocks that nobody sets.
struct Age {
    std::string boot;        // when that was noted; empty: it was not
    milliseconds elapsed{0}; // the same, of that boot
    milliseconds least{0};   // the age at that moment, or less than it was
    bool exact = false;      // not less
    bool dated = true;       // fetched_at is of a wall clock that was confirmed

    friend bool operator==(const Age&, const Age&) = default;
};

// All that is kept of a policy domain's MTA-STS: the last policy fetched with success and the last
// failure since. Times are wall clock.
struct StsRow {
    Domain domain;

    std::string body; // the policy file as served; empty: none held
    std::string id;   // of the record when it was fetched
    WallTime fetched_at;
    WallTime expires_at;
    Age age;

    std::uint32_t failures = 0; // in a row, for failed_id
    std::string failed_id;
    std::string fault; // https::to_string
    std::string reason;
    WallTime failed_at;
    WallTime retry_at;
    std::string failed_by; // the node of a fleet whose fetch it was; empty: this one

    // When it is refreshed, asked for or not; nothing: there is no policy, or its end was noticed.
    std::optional<WallTime> refresh_at;
    bool record_gone = false; // the _mta-sts record was not there when last looked for
    std::string origin;       // the node of a fleet that fetched the policy; empty: this one
    bool replaces = false;    // see over()

    friend bool operator==(const StsRow&, const StsRow&) = default;
};

// What is known of a nexthop: what the last lookup that did not fail said of its DANE (7 days), and
// its last verdict. A blank one, or a blank StsRow, deletes what is there.
struct NexthopRow {
    std::string nexthop; // Nexthop::key()
    bool dane = false;
    std::optional<WallTime> dane_seen_at;  // nothing: never; so for the other times
    std::string dane_by;                   // the node of a fleet that saw it so; empty: this one
    std::string verdict;                   // verdict::brief(); empty: none yet
    int row = 0;                           // of the decision table
    std::optional<WallTime> verdict_since; // its class and level
    std::optional<WallTime> seen_at;       // last looked up, give or take an hour
    bool replaces = false;                 // see over()

    friend bool operator==(const NexthopRow&, const NexthopRow&) = default;
};

[[nodiscard]] bool is_blank(const StsRow& row);
[[nodiscard]] bool is_blank(const NexthopRow& row);

// What is held once `row` has been saved where `before` was. A row without a policy keeps the
// policy that is there: its body, id, times, origin and the next refresh; a row that has not seen
// DANE, or has no verdict, keeps what was seen, or the verdict. Only what was forgotten (a blank
// row) is gone: a row saved over a blank one says so in `replaces`, until it has been written.
[[nodiscard]] StsRow over(StsRow row, const StsRow& before);
[[nodiscard]] NexthopRow over(NexthopRow row, const NexthopRow& before);

// Clients can make names up, so only this many names that promise nothing, and never did, are kept:
// a row for one more is not written, while those that are there go on. So at most 33 MB are theirs,
// and 100 MB of history.
inline constexpr std::size_t max_without_promise = 100'000;   // nexthops; and failures of policies
inline constexpr std::size_t max_history_without_promise = 4; // the newest of each nexthop
// When half of these places are taken, they are given back so much sooner than prune() says.
inline constexpr std::chrono::days pruned_sooner{370};
[[nodiscard]] bool promises_nothing(const StsRow& row);     // a failure, and no policy
[[nodiscard]] bool promises_nothing(const NexthopRow& row); // neither DANE nor a policy in force

// Of the policy held, also of one whose end has not been noticed.
[[nodiscard]] std::optional<mtasts::Mode> held_mode(const StsRow& row);
// RFC 8461 section 3.4: of "[mx.example.com]:587" it is mx.example.com. Nothing: the key is none.
[[nodiscard]] std::optional<Domain> policy_domain(const NexthopRow& row);

// A change of a nexthop's verdict, or a promise that grew weaker (engine/downgrades.h).
struct HistoryRow {
    std::string nexthop; // of a downgrade: perhaps the policy domain
    WallTime at;
    enum class Kind { verdict, downgrade } kind = Kind::verdict;
    std::string before;
    std::string after;
    int row = 0;         // of the decision table; 0: a downgrade
    std::string reasons; // joined by "; "

    friend bool operator==(const HistoryRow&, const HistoryRow&) = default;
};

// The wall clock was set: it said `from` and now says `to`.
struct ClockJump {
    WallTime from;
    WallTime to;
};

// No refresh lies further ahead, and no retry.
inline constexpr std::chrono::hours max_refresh{24};
inline constexpr std::chrono::hours max_retry{1};
// Its refresh comes after as much time as before the jump, and no later than it can.
[[nodiscard]] StsRow rescheduled(StsRow row, const ClockJump& jump);

// A row as it comes out of the store: nothing in it lies further ahead than if it were written now,
// and its age is that of this moment. How old a policy is, is said by the elapsed time of the boot
// in which it was fetched; after another one by the wall clock, once that is confirmed, but never
// less than what has been counted. The wall clock's times are changed only by a confirmed one.
[[nodiscard]] StsRow as_of(StsRow row, const Moment& moment);
[[nodiscard]] NexthopRow as_of(NexthopRow row, const Moment& moment);
// Of a row as_of() this moment: with the times that the policy's age makes of it. A policy past its
// end by a wall clock that is not confirmed is in force by them. One whose end has been noticed
// stays ended.
[[nodiscard]] StsRow by_age(StsRow row, const Moment& moment);
// Whether only the wall clock says that the policy has ended.
[[nodiscard]] bool is_doubtful(const StsRow& row, const Moment& moment);

// When a policy is to be looked at again.
struct RefreshDue {
    Domain domain;
    WallTime at;

    friend bool operator==(const RefreshDue&, const RefreshDue&) = default;
};

// Not read is not absent: while `sts_unread` or `nexthop_unread` says why, the policy, or the
// nexthop's row, may be there although it is missing here. What waits to be written is shown then,
// too: a failed fetch, what was seen of DANE.
struct Loaded {
    std::optional<StsRow> sts;
    std::optional<NexthopRow> nexthop;
    std::string sts_unread;     // a clause for an operator; empty: it was read
    std::string nexthop_unread; // the same
    // Why a policy that another node of a fleet has fetched may be missing here; empty: none is.
    std::string sts_elsewhere;

    friend bool operator==(const Loaded&, const Loaded&) = default;
};

// Of the store that the nodes of a fleet share.
struct SharedStatus {
    std::string place;        // without password
    std::string node;         // this one
    bool up = false;          // it was read and written when that was last tried
    milliseconds behind{0};   // since all that others had written was last known
    std::size_t unshared = 0; // rows that it does not have yet
};

struct Status {
    bool degraded = false;
    std::string reason;         // degraded: what failed, and since when
    std::string unread;         // why the last reads failed; empty: reading works
    std::uint64_t failures = 0; // since start
    // The same by reason: a word of the store's own, the same ones always.
    std::vector<std::pair<std::string_view, std::uint64_t>> by_reason;
    std::optional<SharedStatus> shared;

    void degrade(std::string_view why) {
        degraded = true;
        append_clause(reason, why);
    }
};

class Store {
  public:
    virtual ~Store() = default;
    virtual async::Task<Loaded> load(Domain policy_domain, std::string nexthop_key) = 0;
    // The rows with a refresh_at, the earliest first, at most so many; sees what load() sees.
    virtual async::Task<std::vector<RefreshDue>> next_refreshes(std::size_t most) = 0;
    virtual void save(StsRow row) = 0;
    virtual void save(NexthopRow row) = 0;
    virtual void save(HistoryRow row) = 0;
    // One step through all that is kept: drops history, nexthops and ends of policies older than
    // `before`; see pruned_sooner. True: the step was the last of a round; the next begins a new
    // one.
    virtual async::Task<bool> prune(WallTime before) = 0;
    // rescheduled() for every row.
    virtual void clock_jumped(ClockJump jump) = 0;
    virtual async::Task<> flush() = 0;
    [[nodiscard]] virtual Status status() const = 0;
};

} // namespace postseal::store
