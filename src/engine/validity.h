// engine/validity.h: for how long an answer holds, and when what is looked up again
//
// DANE part: the least TTL of all RRsets used, at least 60 s, at most 1 h. _mta-sts TXT the same.
// Failed lookups: 30 s, doubling to 5 min. Failed policy fetches: 5 min, doubling to 1 h.
// Prefetch: at 80 % of that time, give or take 5 %, for what was asked for in the last 7 days.
// Where a lookup failed, only what promises something is prefetched, at 80 % of 30 s, doubling to
// 4 h; what has many hosts and promises nothing is not prefetched at all. Whoever publishes such a
// domain's records cannot make us send packets for days to whom he likes; a question is answered by
// a lookup of its own.
// Every unexpired policy is fetched again once a day, 22 to 24 h after the last time (RFC 8461
// sections 3.3 and 10.2), and at 80 % of a life shorter than that. While a policy is held, a failed
// fetch is repeated before half of what is left of its life has passed: a host that is back for so
// long keeps its policy in force. No host is asked by either more than once in 10 s.
// Where there is chance, it is a number from 0 to 1, 1 excluded.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"
#include "postseal/verdict/evidence.h"

#include <cstddef>
#include <optional>

namespace postseal::engine {

inline constexpr std::chrono::days remembered_for{7};
inline constexpr std::chrono::days asked_lately{7};
// Of a domain that promises nothing: with more hosts it is not looked ahead for.
inline constexpr std::size_t max_prefetched_hosts = 8;
// For which DNS answers hold at most.
inline constexpr std::chrono::hours longest_ttl{1};
// A lookup and its fetch take no longer, as a rule.
inline constexpr std::chrono::seconds decided_within{30};
// Between two fetches of a policy, however short its life.
inline constexpr std::chrono::seconds min_refetch{10};
// A policy's end is noticed this much later: whoever asks may renew it first.
inline constexpr std::chrono::minutes expiry_grace{10};
// A fetch that is due may take so long: the answer holds meanwhile.
inline constexpr std::chrono::seconds fetch_grace{30};

[[nodiscard]] seconds bounded_ttl(seconds ttl);
// `failures` in a row, from 1.
[[nodiscard]] seconds lookup_retry(unsigned failures);
[[nodiscard]] seconds prefetch_retry(unsigned failures);
[[nodiscard]] seconds fetch_retry(unsigned failures);
// The same with a policy held that expires after `life_left`; not positive: none is.
[[nodiscard]] milliseconds fetch_retry(unsigned failures, milliseconds life_left);

// From now until the evidence must be looked up again; `txt_ttl` is that of the TXT answer,
// `failures` counts this and earlier evaluations in a row that verdict::any_failed() was true for.
[[nodiscard]] milliseconds holds_for(const verdict::Evidence& evidence, seconds txt_ttl,
                                     unsigned failures, WallTime now);

// From now until a nexthop in use is looked up again; nothing: only if somebody asks. Not before
// 60 s if nothing failed, whatever a policy's max_age.
[[nodiscard]] std::optional<milliseconds> prefetch_after(const verdict::Evidence& evidence,
                                                         seconds txt_ttl, unsigned failures,
                                                         WallTime now, double chance);

// When a policy just fetched is fetched again, or its end is noticed.
[[nodiscard]] WallTime refresh_time(WallTime fetched_at, WallTime expires_at, double chance);
// The same after a failed fetch.
[[nodiscard]] WallTime refresh_retry_time(WallTime retry_at, WallTime expires_at);

} // namespace postseal::engine
