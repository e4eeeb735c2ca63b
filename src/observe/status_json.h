// observe/status_json.h: what is so now, and what was counted since the start, as a JSON object
//
// `postseal stats --json` and health show it; the page has more (page_json.h).
// {"version","now","started_at","uptime_s",
//  "health":[{"part","trouble","note"}],            every part; no trouble: it is healthy
//  "connections",
//  "queries":{"total","memory","lookup","none",     how they were answered
//             "no_nexthop","unknown_map",
//             "protocols":{PROTOCOL:n},"classes":{CLASS:n}},
//  "lookups":{"pending","active","waiting"},        pending: evaluations that have not ended;
//                                                   waiting: of them, for limits.lookups
//  "memory":{"answers","bytes","limit_bytes"},
//  "downgrades","last_downgrade",
//  "clock_confirmed_by",                            empty: it is not
//  "store":{"degraded","reason","unread"},
//  "shared_store":{"place","node","up","behind_ms","unshared"},   or null
//  "validation":{"state","fault","reason","fix","servers"},
//  "reload_error"}
// Times are RFC 3339 in UTC.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "json/json.h"

namespace postseal::observe {

class Observer;

[[nodiscard]] Json status_json(Observer& observer);

} // namespace postseal::observe
