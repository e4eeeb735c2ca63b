// cli/completion.h: the completion of shells, from the table
//
// Each is a whole script for its shell: bash (with or without bash-completion), zsh (a function for
// fpath, "_postseal") and fish. They complete commands, options, values that are known, and files
// where files are meant; destinations they do not.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/command.h"

#include <string>
#include <string_view>
#include <vector>

namespace postseal::cli {

[[nodiscard]] std::string bash_completion(const Command& tool);
[[nodiscard]] std::string zsh_completion(const Command& tool);
[[nodiscard]] std::string fish_completion(const Command& tool);

// A command below the tool, and how it is named there: "overrides list".
struct Named {
    std::string path; // empty: the tool
    const Command* command;
};
[[nodiscard]] std::vector<Named> all_commands(const Command& tool);

// "-m" and "--map".
[[nodiscard]] std::vector<std::string> spellings(const Option& option);
// All options whose next word is a value, of all commands: an option that may be left without one
// is not among them.
[[nodiscard]] std::vector<std::string> options_with_value(const Command& tool);

// In single quotes, for each of these shells.
[[nodiscard]] std::string quoted_for_sh(std::string_view text);

} // namespace postseal::cli
