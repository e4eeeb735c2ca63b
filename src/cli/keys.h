// cli/keys.h: one or more destinations as a command's arguments
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/options.h"

#include <functional>
#include <string>
#include <vector>

namespace postseal::cli {

// Declares them; if the command is the one on the command line, `run` hands them to `body`.
void take_keys(CLI::App& command, Run& run,
               std::function<int(const std::vector<std::string>& keys)> body);

} // namespace postseal::cli
