// cli/command.h: a command of the tool, as plain data
//
// The table of them (cli/commands.h) is what the parser (cli/parse.h), --help (cli/help.h) and the
// shells' completion (cli/completion.h) read; tests/docs compares the man page with the help.
// A target is where the words of the command line go; what `run` holds keeps it alive. The tool
// itself is a command, too: of commands.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace postseal::cli {

using Target = std::variant<bool*, std::size_t*, std::string*, std::vector<std::string>*>;

// What a value may be.
struct Values {
    enum class Kind { any, file, folder, program, one_of, such_as } kind = Kind::any;
    std::vector<std::string> words; // one_of: all there are; such_as: those that always are
};

struct Option {
    std::string letter; // "c"; empty: none
    std::string name;   // "config"
    std::string value;  // "FILE"; empty: a flag
    std::string help;
    Target target;
    Values values;
    std::optional<std::string> if_left_out; // the value where only the option is given
};

struct Argument {
    std::string name; // "KEY"
    std::string help;
    enum class Count { one, optional, several, any } count = Count::one; // several: at least one
    Target target;
    Values values;
};

struct Command {
    std::string name;
    std::string summary; // a clause
    std::vector<Argument> arguments;
    std::vector<Option> options;
    std::vector<std::string> examples; // command lines
    std::string footer;                // sentences
    std::function<int()> run;          // gives an ExitStatus; empty: one of `commands` must follow
    std::vector<Command> commands;
};

// Those of the command, and --help.
[[nodiscard]] std::vector<Option> options_of(const Command& command);
[[nodiscard]] std::vector<Option> joined(std::vector<Option> own, std::vector<Option> shared);
[[nodiscard]] const Command* find(const std::vector<Command>& commands, std::string_view name);

} // namespace postseal::cli
