// cli/parse.h: from the command line to a command of the table
//
// CLI11 splits the words; it is included in parse.cpp only, because it costs every file that does
// many seconds of compiling. Options may stand before or behind a command, those of the tool as a
// whole before it; behind "--" words are arguments whatever they look like.
// Errors: a sentence that names what was probably meant, or what there is.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/command.h"

#include <expected>
#include <span>
#include <string>

namespace postseal::cli {

struct Parsed {
    const Command* command = nullptr; // the deepest that was named
    std::string path;                 // "postseal overrides list"
    bool help = false;                // nothing was set: the help is wanted
};

struct ParseFault {
    std::string text;
    std::string path; // of the deepest command that was named
};

// Sets the targets of the commands that were named.
[[nodiscard]] std::expected<Parsed, ParseFault> parse(const Command& tool,
                                                      std::span<char* const> words);

} // namespace postseal::cli
