// cli/kept_text.h: KEPT of serve/admin_memory.h as text for people
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/explain_text.h"
#include "postseal/base/time.h"
#include "json/json.h"

#include <string>

namespace postseal::cli {

// The head of a list, and a line of it: key, verdict, policy and what troubles it. A key that is
// too long for its column has a line of its own.
[[nodiscard]] std::string list_head();
[[nodiscard]] std::string list_line(const Json& kept, WallTime now, Colour colour);
// A paragraph a subject.
[[nodiscard]] std::string kept_text(const Json& kept, WallTime now);

} // namespace postseal::cli
