// cli/stats_text.h: the daemon's status (observe/status_json.h) as text for people
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "json/json.h"

#include <chrono>
#include <string>

namespace postseal::cli {

// One status and the one before it.
struct Interval {
    const Json& before; // null: there is none
    const Json& now;
    std::chrono::duration<double> length{0};
};

// Aligned, a subject a line; with rates where there is a status before.
[[nodiscard]] std::string stats_text(const Interval& interval);
// "PART: what is wrong with it" a line, as /healthz has them; empty: all is well. And its notes:
// what to know of a part that is well.
[[nodiscard]] std::string health_text(const Json& status);
[[nodiscard]] std::string health_notes(const Json& status);
// One line: rates since the status before.
[[nodiscard]] std::string stats_line(const Interval& interval);

} // namespace postseal::cli
