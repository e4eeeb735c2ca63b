// SPDX-License-Identifier: BSD-3-Clause
#include "cli/completion.h"

#include "cli/commands.h"
#include "cli/exit_status.h"

#include <fmt/format.h>

#include <memory>
#include <set>
#include <utility>

namespace postseal::cli {
namespace {

void add_below(const Command& command, const std::string& path, std::vector<Named>& out) {
    out.push_back({path, &command});
    for (const Command& part : command.commands)
        add_below(part, path.empty() ? part.name : path + " " + part.name, out);
}

int write(Common& common, const std::string& shell) {
    const Command table = tool(common);
    fmt::print("{}", shell == "bash"  ? bash_completion(table)
                     : shell == "zsh" ? zsh_completion(table)
                                      : fish_completion(table));
    return ExitStatus::found;
}

} // namespace

std::vector<Named> all_commands(const Command& tool) {
    std::vector<Named> out;
    add_below(tool, "", out);
    return out;
}

std::vector<std::string> spellings(const Option& option) {
    std::vector<std::string> out;
    if (!option.letter.empty()) out.push_back("-" + option.letter);
    out.push_back("--" + option.name);
    return out;
}

std::vector<std::string> options_with_value(const Command& tool) {
    std::set<std::string> out;
    for (const Named& named : all_commands(tool))
        for (const Option& option : named.command->options)
            if (!option.value.empty() && !option.if_left_out)
                for (std::string& spelling : spellings(option))
                    out.insert(std::move(spelling));
    return {out.begin(), out.end()};
}

std::string quoted_for_sh(std::string_view text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

Command completion_command(Common& common) {
    const auto shell = std::make_shared<std::string>();
    return {.name = "completion",
            .summary = "write the completion script for a shell",
            .arguments = {{.name = "SHELL",
                           .help = "bash, zsh or fish",
                           .target = shell.get(),
                           .values = {Values::Kind::one_of, {"bash", "zsh", "fish"}}}},
            .examples = {"postseal completion bash >/etc/bash_completion.d/postseal"},
            .run = [&common, shell] { return write(common, *shell); }};
}

} // namespace postseal::cli
