// engine/explain.h: an answer as JSON: the evidence, the row, the reasons and every form of the
// reply
//
// {"key", "verdict": {"class", "level", "row", "reasons"},
//  "override": {"key", "policy", "file", "line", "until", "comment"}, if one decided;
//  "deferred": {"cause", "reason", "maps"}, if a map defers (engine/deferral.h);
//  "findings": [{"code", "text", "fix"}], "mx": {...}, "mta_sts": {...}, "remembered",
//  "obtained_at", "holds_s", "partial", "replies": {MAP: {"kind", "text"}},
//  "delegation": the action, if there is a delegation listener, "mail", "next": engine/outlook.h}
// Times are RFC 3339 in UTC.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/answer.h"
#include "engine/maps.h"
#include "engine/overrides.h"
#include "postseal/base/nexthop.h"
#include "json/json.h"

#include <string_view>

namespace postseal::engine {

// `now`: of the overrides, to find the one that decided.
[[nodiscard]] Json explain(const Answer& answer, const Maps& maps, const Overrides& overrides,
                           WallTime now);
[[nodiscard]] Json explain_no_nexthop(std::string_view key, const NexthopError& error,
                                      const Maps& maps);

} // namespace postseal::engine
