// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/nexthop.h"
#include "store/store.h"

#include <algorithm>

namespace postseal::store {

bool is_blank(const StsRow& row) { return row == StsRow{.domain = row.domain}; }
bool is_blank(const NexthopRow& row) { return row == NexthopRow{.nexthop = row.nexthop}; }

StsRow over(StsRow row, const StsRow& before) {
    if (is_blank(row) || row.replaces) return row;
    row.replaces = before.replaces || is_blank(before);
    if (!row.body.empty() || before.body.empty()) return row;
    row.body = before.body;
    row.id = before.id;
    row.fetched_at = before.fetched_at;
    row.expires_at = before.expires_at;
    row.refresh_at = before.refresh_at;
    row.record_gone = before.record_gone;
    row.origin = before.origin;
    return row;
}

NexthopRow over(NexthopRow row, const NexthopRow& before) {
    if (is_blank(row) || row.replaces) return row;
    row.replaces = before.replaces || is_blank(before);
    if (row.dane_seen_at == WallTime{}) {
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
    if (row.body.empty() || row.refresh_at == WallTime{}) return std::nullopt;
    const auto policy = mtasts::parse_policy(row.body);
    return policy ? std::optional(policy->mode) : std::nullopt;
}

std::optional<Domain> policy_domain(const NexthopRow& row) {
    auto nexthop = Nexthop::parse(row.nexthop);
    if (!nexthop) return std::nullopt;
    return std::move(nexthop->domain);
}

StsRow moved(StsRow row, const ClockJump& jump) {
    const milliseconds by = jump.to - jump.from;
    // Set ahead, all that was is of the old time; set back, what lies in the future now.
    const auto of_old_time = [&](WallTime time) {
        return time != WallTime{} && (by > milliseconds(0) ? time <= jump.from : time > jump.to);
    };
    if (row.refresh_at != WallTime{} && of_old_time(std::max(row.fetched_at, row.failed_at)))
        row.refresh_at += by;
    if (of_old_time(row.fetched_at)) {
        row.fetched_at += by;
        row.expires_at += by;
    }
    if (of_old_time(row.failed_at)) {
        row.failed_at += by;
        row.retry_at += by;
    }
    return row;
}

} // namespace postseal::store
