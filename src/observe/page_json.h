// observe/page_json.h: what the status page and /v1/status show, as a JSON object
//
// That of status_json.h, and
// {"listeners":[{"address","protocol","connections"}],
//  "kept":{"nexthops":{CLASS:n},"policies":{MODE:n},"failing","due"},
//  "minutes":{"step_s","classes":{CLASS:[n,...]},"memory":[],"lookups":[],"median_ms":[],"slow_ms":[],
//             "fetches_failed":[],"dns_failed":[]},     the oldest first; the last is not over
//  "deferred":[FINDING], "findings":[FINDING],          now, the latest first of each code
//  "failing":[{"domain","fault","reason","failures","failed_at","retry_at"}],
//  "downgraded":[HISTORY], "changed":[HISTORY]}         the newest first
// FINDING: {"key","code","since","text","fix"}.
// HISTORY: {"key","at","before","after","row","reasons"}.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "json/json.h"

namespace postseal::observe {

class Observer;

[[nodiscard]] Json page_json(Observer& observer);

} // namespace postseal::observe
