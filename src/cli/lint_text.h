// cli/lint_text.h: what an MTA-STS record or policy file means to us
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace postseal::cli {

struct Linted {
    bool good = false;
    // good: {"good":true,"id"} or {"good":true,"mode","mx","max_age_s"}; else
    // {"good":false,"line","column","fault"}, 0 where the fault has no place. All have "notes".
    std::string json;
    std::string text; // for people; of a fault "NAME:LINE:COLUMN: ..."
};

[[nodiscard]] Linted lint_record(std::string_view text);
// `note`: about the answer that it came in; empty: none.
[[nodiscard]] Linted lint_policy(std::string_view text, std::string_view name,
                                 std::string_view note = {});
// A policy that could not be fetched.
[[nodiscard]] Linted lint_fetch(std::string_view url, std::string_view fault,
                                std::string_view reason);

} // namespace postseal::cli
