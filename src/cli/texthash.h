// cli/texthash.h: what is kept of destinations as a table for Postfix (postmap(1), texthash:)
//
// A snapshot: nothing updates it. Lines are in the legacy form, which every Postfix reads.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"
#include "json/json.h"

#include <string>

namespace postseal::cli {

[[nodiscard]] std::string texthash_head(WallTime now);

// Of a KEPT with body (serve/kept_json.h): a comment that says when and why, and the line; only the
// comment where there is a verdict, and no policy can be written. Empty: no promise.
[[nodiscard]] std::string texthash_entry(const Json& kept);

} // namespace postseal::cli
