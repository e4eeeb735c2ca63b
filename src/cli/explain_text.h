// cli/explain_text.h: the JSON of engine/explain.h as text for people
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "json/json.h"

#include <string>

namespace postseal::cli {

enum class Colour { no, yes };

// First line: "KEY: CLASS LEVEL (row N)"; then aligned paragraphs.
[[nodiscard]] std::string explain_text(const Json& explain, Colour colour);

} // namespace postseal::cli
