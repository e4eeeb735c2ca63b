// cli/sample_table.h: a small table of commands for the tests of what reads one
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/command.h"

#include <string>
#include <vector>

namespace postseal::cli {

// Where its words go.
struct Sample {
    bool loud = false;
    std::string map = "postfix";
    std::string mode;
    std::string every;
    std::size_t number = 7;
    std::string key;
    std::vector<std::string> keys;
    std::string file;
};

inline Command sample_table(Sample& to) {
    const Option loud{.letter = "l", .name = "loud", .help = "say it all", .target = &to.loud};
    const auto ran = [] { return 0; };
    return {
        .name = "tool",
        .summary = "Does this and that",
        .options = {loud},
        .footer = "Exit status: 0 done.",
        .commands = {
            {.name = "ask",
             .summary = "ask for one",
             .arguments = {{.name = "KEY", .help = "a destination", .target = &to.key},
                           {.name = "FILE",
                            .help = "where it is kept",
                            .count = Argument::Count::optional,
                            .target = &to.file,
                            .values = {Values::Kind::file, {}}}},
             .options = {loud,
                         {.letter = "m",
                          .name = "map",
                          .value = "MAP",
                          .help = "the map to ask",
                          .target = &to.map},
                         {.name = "mode",
                          .value = "MODE",
                          .help = "only of this mode",
                          .target = &to.mode,
                          .values = {Values::Kind::one_of, {"enforce", "none"}}},
                         {.letter = "n",
                          .name = "number",
                          .value = "NUMBER",
                          .help = "so many of them, counted from the latest back to the first that "
                                  "was kept",
                          .target = &to.number},
                         {.name = "every",
                          .value = "TIME",
                          .help = "again and again",
                          .target = &to.every,
                          .if_left_out = "2s"}},
             .examples = {"tool ask example.com"},
             .run = ran},
            {.name = "group",
             .summary = "ask for several",
             .commands = {{.name = "all",
                           .summary = "ask for all of them",
                           .arguments = {{.name = "KEY",
                                          .help = "destinations",
                                          .count = Argument::Count::several,
                                          .target = &to.keys}},
                           .run = ran}}},
        }};
}

} // namespace postseal::cli
