// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/nexthop.h"
#include "store/store.h"

#include <algorithm>

namespace postseal::store {

namespace {
// What a wall clock is set by now and then, and what the clocks of a fleet differ by.
constexpr std::chrono::minutes followed{1};
} // namespace

bool is_blank(const StsRow& row) { return row == StsRow{.domain = row.domain}; }
bool is_blank(const NexthopRow& row) { return row == NexthopRow{.nexthop = row.nexthop}; }

bool promises_nothing(const StsRow& row) { return row.body.empty() && !is_blank(row); }
bool promises_nothing(const NexthopRow& row) {
    return !row.dane && row.verdict != "enforce" && !is_blank(row);
}

StsRow over(StsRow row, const StsRow& before) {
    if (is_blank(row) || row.replaces) return row;
    row.replaces = before.replaces || is_blank(before);
    if (!row.body.empty() || before.body.empty()) return row;
    row.body = before.body;
    row.id = before.id;
    row.fetched_at = before.fetched_at;
    row.expires_at = before.expires_at;
    row.age = before.age;
    row.refresh_at = before.refresh_at;
    row.record_gone = before.record_gone;
    row.origin = before.origin;
    return row;
}

NexthopRow over(NexthopRow row, const NexthopRow& before) {
    if (is_blank(row) || row.replaces) return row;
    row.replaces = before.replaces || is_blank(before);
    if (!row.dane_seen_at) {
        row.dane = before.dane;
        row.dane_seen_at = before.dane_seen_at;
        row.dane_by = before.dane_by;
    }
    if (row.verdict.empty()) {
        row.verdict = before.verdict;
        row.row = before.row;
        row.verdict_since = before.verdict_since;
    }
    return row;
}

std::optional<mtasts::Mode> held_mode(const StsRow& row) {
    if (row.body.empty() || !row.refresh_at) return std::nullopt;
    const auto policy = mtasts::parse_policy(row.body);
    return policy ? std::optional(policy->mode) : std::nullopt;
}

std::optional<Domain> policy_domain(const NexthopRow& row) {
    auto nexthop = Nexthop::parse(row.nexthop);
    if (!nexthop) return std::nullopt;
    return std::move(nexthop->domain);
}

StsRow rescheduled(StsRow row, const ClockJump& jump) {
    if (!row.refresh_at) return row;
    const bool failed_later = row.failures > 0 && row.failed_at > jump.to;
    row.refresh_at = std::clamp<WallTime>(
        *row.refresh_at + (jump.to - jump.from), WallTime(milliseconds(1)),
        jump.to + (failed_later ? milliseconds(max_retry) : milliseconds(max_refresh)));
    return row;
}

StsRow as_of(StsRow row, const Moment& moment) {
    const WallTime now = moment.now;
    row.refresh_at = std::min<std::optional<WallTime>>(row.refresh_at, now + max_refresh);
    row.retry_at = std::min<WallTime>(row.retry_at, now + max_retry);
    // That was of a clock that was ahead: when it may be tried again is not known, so it is now.
    if (row.failed_at > now + followed) row.retry_at = std::min(row.retry_at, now);
    row.failed_at = std::min(row.failed_at, now);
    if (row.body.empty()) return row;

    Age& age = row.age;
    const bool counted = age.boot == moment.boot && age.elapsed <= moment.elapsed;
    if (counted)
        age.least += moment.elapsed - age.elapsed;
    else
        age.exact = false;
    age.boot = moment.boot;
    age.elapsed = moment.elapsed;
    if (!moment.confirmed) return row;
    if (!age.exact && age.dated) age.least = std::max(age.least, now - row.fetched_at);
    const milliseconds by = now - age.least - row.fetched_at;
    if (!age.dated || std::chrono::abs(by) > followed) {
        row.fetched_at += by;
        row.expires_at += by;
    }
    age.exact = age.dated = true;
    return row;
}

NexthopRow as_of(NexthopRow row, const Moment& moment) {
    for (std::optional<WallTime>* time : {&row.dane_seen_at, &row.verdict_since, &row.seen_at})
        *time = std::min<std::optional<WallTime>>(*time, moment.now);
    return row;
}

StsRow by_age(StsRow row, const Moment& moment) {
    if (row.body.empty()) return row;
    const milliseconds by = moment.now - row.age.least - row.fetched_at;
    if (!row.refresh_at) {
        row.expires_at = std::min<WallTime>(row.expires_at, row.expires_at + by);
        return row;
    }
    if (std::chrono::abs(by) <= followed) return row; // the clocks agree
    row.fetched_at += by;
    row.expires_at += by;
    return row;
}

bool is_doubtful(const StsRow& row, const Moment& moment) {
    return !moment.confirmed && !row.age.exact && row.expires_at <= moment.now &&
           by_age(row, moment).expires_at > moment.now;
}

} // namespace postseal::store
