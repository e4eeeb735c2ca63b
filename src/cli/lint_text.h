// cli/lint_text.h: what an MTA-STS record or policy file means to us
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace postseal::cli {

struct Linted {
    bool good = false;
    // good: {"good":true,"id"} or {"good":true,"mode","mx","max_age_s"}, and "notes"; else
    // {"good":false,"line","column","fault"}, 0 where the fault has no place.
    std::string json;
    std::string text; // for people; of a fault "NAME:LINE:COLUMN: ..."
};

[[nodiscard]] Linted lint_record(std::string_view text);
[[nodiscard]] Linted lint_policy(std::string_view text, std::string_view name);

} // namespace postseal::cli
