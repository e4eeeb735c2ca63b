// survey/program.h: what a program says
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <expected>
#include <string>
#include <vector>

namespace postseal::survey {

// Runs it without a shell, standard input empty, and gives its standard output. Without a slash it
// is looked for in PATH. It is killed after `limit`. Errors: one sentence with its own last words.
[[nodiscard]] std::expected<std::string, std::string>
output_of(const std::vector<std::string>& command, milliseconds limit);

// What it writes to standard error, whatever its exit status. Errors: as above.
[[nodiscard]] std::expected<std::string, std::string>
complaints_of(const std::vector<std::string>& command, milliseconds limit);

} // namespace postseal::survey
