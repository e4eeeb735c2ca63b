// cli/doctor_text.h: the doctor's findings for people and for programs
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/explain_text.h"
#include "postseal/doctor/finding.h"
#include "json/json.h"

#include <string>
#include <vector>

namespace postseal::cli {

// One line per finding: severity, check and what is found; below it, indented, why and the fix.
[[nodiscard]] std::string doctor_text(const std::vector<doctor::Finding>& findings, Colour colour);

// [{"severity":"problem","check":"...","what":"...","why":"...",
//   "fix":[{"command":"..."},{"file":"...","table":"...","line":"..."}]}]
[[nodiscard]] Json doctor_json(const std::vector<doctor::Finding>& findings);

} // namespace postseal::cli
