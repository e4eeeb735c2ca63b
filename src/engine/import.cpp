// SPDX-License-Identifier: BSD-3-Clause
#include "engine/import.h"

#include "engine/validity.h"
#include "postseal/mtasts/policy.h"

#include <algorithm>
#include <utility>

namespace postseal::engine {
namespace {

// The mode of a policy in force.
std::optional<mtasts::Mode> mode_in_force(const store::StsRow& row, WallTime now) {
    if (row.body.empty() || row.expires_at <= now) return std::nullopt;
    const auto policy = mtasts::parse_policy(row.body);
    return policy ? std::optional(policy->mode) : std::nullopt;
}

Merged merge_policy(const Memory& memory, const std::optional<store::StsRow>& held,
                    const store::Moment& moment) {
    const WallTime now = moment.now;
    const auto policy = mtasts::parse_policy(memory.body);
    if (!policy) return {};
    const WallTime end = memory.fetched_at + policy->max_age;
    if (end <= now) return {.outcome = Import::expired};
    store::StsRow row = held.value_or(store::StsRow{.domain = memory.nexthop.domain});
    const auto in_force = mode_in_force(row, now);
    if (in_force && (row.fetched_at >= memory.fetched_at || *in_force > policy->mode)) return {};
    row.body = memory.body;
    row.id = memory.id;
    row.fetched_at = memory.fetched_at;
    row.origin.clear();
    row.expires_at = end;
    // What its life has been elsewhere counts, whether our clock is confirmed or not.
    row.age = {.boot = moment.boot,
               .elapsed = moment.elapsed,
               .least = std::max<milliseconds>(now - memory.fetched_at, milliseconds(0))};
    row.refresh_at = now;
    row.record_gone = false;
    return {.outcome = Import::taken, .sts = std::move(row)};
}

// The later word about DANE counts, but "it was there" for as long as it is remembered.
bool is_news(const store::NexthopRow& dane, const store::NexthopRow& held, WallTime now) {
    const auto is_remembered = [now](const store::NexthopRow& row) {
        return row.dane_seen_at && now - *row.dane_seen_at < remembered_for;
    };
    if (dane.dane_seen_at <= held.dane_seen_at || !is_remembered(dane)) return false;
    return dane.dane || !held.dane || !is_remembered(held);
}

} // namespace

Merged merge(const Memory& memory, const store::Loaded& held, const store::Moment& moment) {
    const WallTime now = moment.now;
    Merged merged;
    if (!memory.body.empty()) merged = merge_policy(memory, held.sts, moment);
    const store::NexthopRow before =
        held.nexthop.value_or(store::NexthopRow{.nexthop = memory.nexthop.key()});
    store::NexthopRow row = before;
    if (is_news(memory.row, row, now)) {
        row.dane = memory.row.dane;
        row.dane_seen_at = memory.row.dane_seen_at;
        row.dane_by.clear();
    }
    if (row.verdict.empty()) {
        row.verdict = memory.row.verdict;
        row.row = memory.row.row;
        row.verdict_since = memory.row.verdict_since;
    }
    row.seen_at = std::max(row.seen_at, memory.row.seen_at);
    // Whatever is held is listed by its nexthop.
    if (merged.sts && !row.seen_at) row.seen_at = memory.fetched_at;
    if (row == before) return merged;
    if (merged.outcome == Import::held) merged.outcome = Import::taken;
    merged.nexthop = std::move(row);
    return merged;
}

} // namespace postseal::engine
