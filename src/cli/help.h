// cli/help.h: what --help writes, from the table
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/command.h"

#include <string>
#include <string_view>

namespace postseal::cli {

// At most 80 columns wide, but for names, values and examples that are longer.
[[nodiscard]] std::string help_text(const Command& command, std::string_view path);

} // namespace postseal::cli
