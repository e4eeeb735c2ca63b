// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/merge.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace postseal::fleet {
namespace {

using namespace std::chrono_literals;
using store::NexthopRow;
using store::StsRow;

constexpr WallTime never{};
// Shorter than DANE is remembered for, by far.
constexpr milliseconds looks_are_told_after = 24h;
// Rule 8: what clocks and networks differ by anyway.
constexpr milliseconds max_ahead = 1min;
// Rule 9; engine/validity.h: 24 h, and the grace of an end that is to be noticed.
constexpr milliseconds max_retry = 1h;
constexpr milliseconds max_refresh = 25h;
constexpr milliseconds max_refresh_retry = max_retry + 10min;
constexpr milliseconds longest_life = seconds(31'557'600); // RFC 8461 section 3.2

bool has_policy(const StsRow& row) { return row.fetched_at != never; }
bool in_force(const StsRow& row, WallTime now) { return has_policy(row) && now < row.expires_at; }

// A later version may understand it.
bool is_unreadable(const StsRow& row) {
    return has_policy(row) && !row.body.empty() && !mtasts::parse_policy(row.body);
}

void drop_policy(StsRow& row) {
    row.body.clear();
    row.id.clear();
    row.origin.clear();
    row.fetched_at = row.expires_at = never;
    row.refresh_at.reset();
    row.record_gone = false;
    row.age = {};
}

void drop_failure(StsRow& row) {
    row.failures = 0;
    row.failed_id.clear();
    row.fault.clear();
    row.reason.clear();
    row.failed_by.clear();
    row.failed_at = row.retry_at = never;
}

// Rule 9.
StsRow plausible(StsRow row, WallTime now) {
    if (has_policy(row) && row.body.empty()) drop_policy(row);
    if (has_policy(row)) {
        const auto policy = mtasts::parse_policy(row.body);
        const milliseconds life = policy ? milliseconds(policy->max_age) : longest_life;
        row.expires_at = std::min(row.expires_at, row.fetched_at + life);
    }
    row.retry_at = std::min(row.retry_at, row.failed_at + max_retry);
    const WallTime latest =
        std::max(row.fetched_at + max_refresh, row.failed_at + max_refresh_retry);
    if (in_force(row, now))
        row.refresh_at = std::min<std::optional<WallTime>>(row.refresh_at, latest);
    return row;
}

// Rule 8.
StsRow of_the_past(StsRow row, WallTime now) {
    if (row.fetched_at > now) {
        row.expires_at -= row.fetched_at - now;
        row.fetched_at = now;
    }
    if (row.failed_at > now) {
        row.retry_at -= row.failed_at - now;
        row.failed_at = now;
    }
    return row;
}

// Rule 4. What never was is forgotten as well.
bool is_forgotten(WallTime time, std::optional<WallTime> forgotten_at) {
    return time <= forgotten_at.value_or(never);
}
StsRow without_forgotten(StsRow row, std::optional<WallTime> forgotten_at) {
    if (is_forgotten(row.fetched_at, forgotten_at)) drop_policy(row);
    if (is_forgotten(row.failed_at, forgotten_at)) drop_failure(row);
    return row;
}

// Rules 1, 2 and 7.
auto fetch_of(const StsRow& row) {
    return std::tie(row.fetched_at, row.expires_at, row.body, row.id, row.origin);
}
const StsRow& newest_fetch(const StsRow& a, const StsRow& b) {
    return fetch_of(a) >= fetch_of(b) ? a : b;
}

// Rule 3.
template <class Row> auto failure_of(Row& row) {
    return std::tie(row.failed_at, row.retry_at, row.failures, row.failed_id, row.fault, row.reason,
                    row.failed_by);
}
void take_failure(StsRow& to, const StsRow& from) {
    if (failure_of(from) > failure_of(to)) failure_of(to) = failure_of(from);
}

// Later words first; "it was there" at the same time.
template <class Row> auto dane_of(Row& row) {
    return std::tie(row.dane_seen_at, row.dane, row.dane_by);
}

// Rule 5.
std::optional<WallTime> refresh_of(const StsRow& a, const StsRow& b, const StsRow& merged,
                                   WallTime now) {
    if (fetch_of(a) != fetch_of(b)) return merged.refresh_at;
    const auto [earlier, later] = std::minmax(a.refresh_at, b.refresh_at);
    return !earlier && merged.expires_at <= now ? std::nullopt : later;
}

} // namespace

SharedPolicy merge(const SharedPolicy& held, const SharedPolicy& offered, WallTime now) {
    const auto forgotten =
        std::min<std::optional<WallTime>>(std::max(held.forgotten_at, offered.forgotten_at), now);
    StsRow a = plausible(held.row, now);
    StsRow b = plausible(offered.row, now);
    const bool a_of_future = a.fetched_at > now + max_ahead;
    const bool b_of_future = b.fetched_at > now + max_ahead;
    a = without_forgotten(of_the_past(std::move(a), now), forgotten);
    b = without_forgotten(of_the_past(std::move(b), now), forgotten);
    if (a_of_future && !b_of_future && has_policy(b)) drop_policy(a);
    if (b_of_future && !a_of_future && has_policy(a)) drop_policy(b);
    const bool a_unreadable = is_unreadable(a);
    const bool b_unreadable = is_unreadable(b);
    if (a_unreadable && !b_unreadable && has_policy(b)) drop_policy(a);
    if (b_unreadable && !a_unreadable && has_policy(a)) drop_policy(b);
    SharedPolicy merged{.row = newest_fetch(a, b), .forgotten_at = forgotten};
    StsRow& row = merged.row;
    drop_failure(row);
    for (const StsRow* from : {&a, &b})
        if (from->failed_at > row.fetched_at) take_failure(row, *from);
    row.refresh_at = refresh_of(a, b, row, now);
    if (has_policy(b) && fetch_of(a) == fetch_of(b)) row.record_gone = b.record_gone;
    return merged;
}

SharedNexthop merge(const SharedNexthop& held, const SharedNexthop& offered, WallTime now) {
    const auto forgotten =
        std::min<std::optional<WallTime>>(std::max(held.forgotten_at, offered.forgotten_at), now);
    const auto cleaned = [&](NexthopRow row) {
        for (std::optional<WallTime>* time : {&row.seen_at, &row.dane_seen_at, &row.verdict_since})
            *time = std::min<std::optional<WallTime>>(*time, now);
        if (row.seen_at <= forgotten) return NexthopRow{.nexthop = row.nexthop};
        if (row.dane_seen_at <= forgotten)
            dane_of(row) = std::tuple(std::nullopt, false, std::string());
        return row;
    };
    const NexthopRow a = cleaned(held.row);
    const NexthopRow b = cleaned(offered.row);
    const auto look = [](const NexthopRow& row) {
        return std::tie(row.seen_at, row.verdict_since, row.verdict, row.row);
    };
    NexthopRow merged = look(a) >= look(b) ? a : b;
    dane_of(merged) = std::max(dane_of(a), dane_of(b));
    return {.row = std::move(merged), .forgotten_at = forgotten};
}

SharedOverride merge(const SharedOverride& held, const SharedOverride& offered, WallTime now) {
    const auto order = [now](const SharedOverride& one) {
        return std::tuple(std::min(one.at, now + max_ahead), one.line, one.by);
    };
    return order(held) >= order(offered) ? held : offered;
}

StsRow as_seen_here(const StsRow& own, const SharedPolicy& theirs, const store::Moment& moment) {
    const WallTime now = moment.now;
    if (own.fetched_at > now + max_ahead && own.fetched_at > theirs.forgotten_at) return own;
    SharedPolicy heard = theirs;
    if (is_unreadable(heard.row)) drop_policy(heard.row);
    const auto fetch = [](const StsRow& one) { return std::tie(one.fetched_at, one.body, one.id); };
    const auto failure = [](const StsRow& one) {
        return std::tie(one.failed_at, one.failed_id, one.fault);
    };
    const bool same_fetch = fetch(own) == fetch(heard.row);
    if (same_fetch) heard.row.origin = own.origin;
    if (own.failed_by.empty() && failure(own) == failure(heard.row)) heard.row.failed_by.clear();
    StsRow row = merge({.row = own, .forgotten_at = {}}, heard, now).row;
    // How old it is, is known from the server's clock, whatever this node's own shows; from here on
    // it is counted. A time that was translated for a clock that is not confirmed means nothing
    // once that has been set.
    if (has_policy(row) && fetch(row) != fetch(own))
        row.age = {.boot = moment.boot,
                   .elapsed = moment.elapsed,
                   .least = std::max<milliseconds>(now - row.fetched_at, milliseconds(0)),
                   .dated = moment.confirmed};
    const bool is_own = own.failures > 0 && own.failed_by.empty() &&
                        own.failed_at > row.fetched_at && own.failed_at > theirs.forgotten_at;
    if (is_own && !in_force(row, now)) failure_of(row) = failure_of(own);
    return row;
}

NexthopRow as_seen_here(const NexthopRow& own, const SharedNexthop& theirs, WallTime now) {
    SharedNexthop heard = theirs;
    if (own.dane_by.empty() && own.dane_seen_at == heard.row.dane_seen_at &&
        own.dane == heard.row.dane)
        heard.row.dane_by.clear();
    const SharedNexthop merged = merge({.row = own, .forgotten_at = {}}, heard, now);
    const bool forgotten = own.seen_at <= merged.forgotten_at;
    const bool has_word = own.dane_seen_at > merged.forgotten_at;
    NexthopRow row = own.verdict.empty() || forgotten ? merged.row : own;
    row.seen_at = std::max(row.seen_at, merged.row.seen_at);
    const bool is_others = !merged.row.dane && !merged.row.dane_by.empty();
    dane_of(row) = has_word && is_others ? dane_of(own) : dane_of(merged.row);
    return row;
}

Difference news(const StsRow& before, const StsRow& after, WallTime now) {
    if (before == after) return Difference::none;
    const bool same = before.body == after.body && in_force(before, now) == in_force(after, now);
    return same ? Difference::quiet : Difference::binding;
}

Difference news(const NexthopRow& before, const NexthopRow& after) {
    if (before == after) return Difference::none;
    const auto known = [](const NexthopRow& row) { return row.dane_seen_at.has_value(); };
    const bool same = known(before) == known(after) && before.dane == after.dane;
    return same ? Difference::quiet : Difference::binding;
}

bool is_worth_sharing(const SharedOverride& held, const SharedOverride& merged) {
    return held != merged;
}

bool is_worth_sharing(const SharedPolicy& held, const SharedPolicy& merged) {
    if (held == merged) return false;
    // A failure where no policy is known binds nobody.
    return !is_blank(held.row) || !promises_nothing(merged.row) ||
           held.forgotten_at != merged.forgotten_at;
}

bool is_worth_sharing(const SharedNexthop& held, const SharedNexthop& merged) {
    if (is_blank(held.row) && promises_nothing(merged.row))
        return held.forgotten_at != merged.forgotten_at;
    if (held.forgotten_at != merged.forgotten_at) return true;
    if (news(held.row, merged.row) == Difference::binding) return true;
    if (held.row.verdict.empty() && !merged.row.verdict.empty()) return true;
    if (!merged.row.seen_at || !held.row.seen_at) return merged.row.seen_at.has_value();
    return *merged.row.seen_at >= *held.row.seen_at + looks_are_told_after;
}

WallTime translated(WallTime time, milliseconds by) { return time == never ? never : time + by; }

std::optional<WallTime> translated(std::optional<WallTime> time, milliseconds by) {
    return time ? std::optional(*time + by) : std::nullopt;
}

StsRow translated(StsRow row, milliseconds by) {
    for (WallTime* time : {&row.fetched_at, &row.expires_at, &row.failed_at, &row.retry_at})
        *time = translated(*time, by);
    row.refresh_at = translated(row.refresh_at, by);
    return row;
}

NexthopRow translated(NexthopRow row, milliseconds by) {
    for (std::optional<WallTime>* time : {&row.dane_seen_at, &row.verdict_since, &row.seen_at})
        *time = translated(*time, by);
    return row;
}

} // namespace postseal::fleet
