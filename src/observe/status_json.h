// observe/status_json.h: what the status page shows, as a JSON object
//
// {"version","now","started_at","uptime_s",
//  "health":[{"part","trouble"}],                       only degraded parts
//  "listeners":[{"address","protocol","connections"}],
//  "queries":{"total","memory","lookup","none"},        since start
//  "lookups":{"active","waiting"}, "downgrades",
//  "memory":{"answers","bytes","limit_bytes"},
//  "kept":{"nexthops":{CLASS:n},"policies":{MODE:n},"failing","due"},
//  "minutes":{"step_s","classes":{CLASS:[n,...]},"memory":[],"lookups":[],"median_ms":[],"slow_ms":[],
//             "fetches_failed":[],"dns_failed":[]},     the oldest first; the last is not over
//  "deferred":[FINDING], "findings":[FINDING],          now, the latest first of each code
//  "failing":[{"domain","fault","reason","failures","failed_at","retry_at"}],
//  "downgraded":[HISTORY], "changed":[HISTORY]}         the newest first
// FINDING: {"key","code","since","text","fix"}.
// HISTORY: {"key","at","before","after","row","reasons"}. Times are RFC 3339 in UTC.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace postseal::observe {

class Observer;

[[nodiscard]] std::string status_json(Observer& observer);

} // namespace postseal::observe
