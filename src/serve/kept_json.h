// serve/kept_json.h: what is kept of a destination as JSON, for the admin socket and for exports
//
// KEPT: {"key","domain","node","verdict","row","verdict_since","seen_at",
//        "dane":{"found","seen_at","origin"},
//        "policy":{"mode","mx","max_age_s","id","fetched_at","expires_at","refresh_at","in_force",
//        "record_gone","origin","body"},
//        "failing":{"id","fault","reason","failures","failed_at","retry_at","origin"}}
// A member that is not known is null; "body", the policy file as served, is there only if it was
// asked for. "node": this one, of a fleet; "origin": the one that found it out; both are null where
// there is no fleet. Times are RFC 3339 in UTC.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/import.h"
#include "store/queries.h"
#include "json/json.h"

#include <nlohmann/json.hpp>

#include <expected>
#include <string>

namespace postseal::serve {

enum class Bodies { no, yes };
[[nodiscard]] Json kept_json(const store::Listed& kept, const std::string& node, WallTime now,
                             Bodies bodies);

// Back again, of a KEPT with body: key, dane, verdict, row, times, and of the policy body, id and
// fetched_at; whatever else it has is not looked at. Of these only the key must be there.
// Errors: why nothing of it can be taken, one clause.
[[nodiscard]] std::expected<engine::Memory, std::string> memory_of_kept(const Json& kept,
                                                                        WallTime now);

} // namespace postseal::serve
