// SPDX-License-Identifier: BSD-3-Clause
#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace postseal::cli {
namespace {

std::string function_of(const Named& named) {
    std::string name = named.path.empty() ? "_postseal" : "_postseal_" + named.path;
    std::ranges::replace(name, ' ', '_');
    return name;
}

std::string action_for(const Values& values) {
    switch (values.kind) {
    case Values::Kind::any:
        return "";
    case Values::Kind::file:
        return "_files";
    case Values::Kind::folder:
        return "_files -/";
    case Values::Kind::program:
        return "_command_names -e";
    case Values::Kind::one_of:
    case Values::Kind::such_as:
        return fmt::format("({})", fmt::join(values.words, " "));
    }
    return "";
}

// Inside the brackets and between the colons of _arguments.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '[' || c == ']' || c == ':') out += '\\';
        out += c;
    }
    return out;
}

std::string specification(const Option& option) {
    std::string tail = fmt::format("[{}]", escaped(option.help));
    if (!option.value.empty())
        tail += fmt::format("{}{}:{}", option.if_left_out ? "::" : ":", option.value,
                            action_for(option.values));
    const char* equals = option.value.empty() ? "" : "=";
    if (option.letter.empty())
        return quoted_for_sh(fmt::format("--{}{}{}", option.name, equals, tail));
    return fmt::format("'(-{0} --{1})'{{-{0}{2},--{1}{3}}}{4}", option.letter, option.name,
                       option.value.empty() ? "" : "+", equals, quoted_for_sh(tail));
}

std::string specification(const Argument& argument) {
    using Count = Argument::Count;
    const bool all = argument.count == Count::several || argument.count == Count::any;
    const char* head = all ? "*:" : argument.count == Count::optional ? "::" : ":";
    // Without an action _arguments takes the word for the argument and offers no option.
    std::string action = action_for(argument.values);
    if (action.empty()) action = fmt::format("{{_message {}}}", argument.name);
    return quoted_for_sh(fmt::format("{}{}:{}", head, argument.name, action));
}

std::string arguments_of(const Command& command) {
    std::string out;
    for (const Option& option : options_of(command))
        out += " \\\n        " + specification(option);
    for (const Argument& argument : command.arguments)
        out += " \\\n        " + specification(argument);
    return out;
}

std::string group_function(const Named& named) {
    std::string commands;
    std::string cases;
    for (const Command& part : named.command->commands) {
        const std::string path = named.path.empty() ? part.name : named.path + " " + part.name;
        commands += fmt::format("        {}\n", quoted_for_sh(part.name + ":" + part.summary));
        cases += fmt::format("        {}) {} ;;\n", part.name,
                             function_of({.path = path, .command = &part}));
    }
    return fmt::format(R"({}() {{
    local context state state_descr line
    typeset -A opt_args
    local -a commands=(
{}    )
    _arguments -C{} \
        '1:command:->command' '*::argument:->argument' && return
    case $state in
    command) _describe command commands ;;
    argument)
        case $line[1] in
{}        esac ;;
    esac
}}

)",
                       function_of(named), commands, arguments_of(*named.command), cases);
}

} // namespace

std::string zsh_completion(const Command& tool) {
    std::string out =
        "#compdef postseal\n"
        "# zsh completion of postseal(1), as \"postseal completion zsh\" writes it\n\n";
    for (const Named& named : all_commands(tool))
        out += named.command->commands.empty()
                   ? fmt::format("{}() {{\n    _arguments -s{}\n}}\n\n", function_of(named),
                                 arguments_of(*named.command))
                   : group_function(named);
    return out + "_postseal \"$@\"\n";
}

} // namespace postseal::cli
