// SPDX-License-Identifier: BSD-3-Clause
#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace postseal::cli {
namespace {

// fish's single quotes know two escapes of their own.
std::string fish_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

std::string words_for(const Values& values) {
    switch (values.kind) {
    case Values::Kind::any:
        return "";
    case Values::Kind::file:
        return " -F";
    case Values::Kind::folder:
        return " -a '(__fish_complete_directories)'";
    case Values::Kind::program:
        return " -a '(__fish_complete_command)'";
    case Values::Kind::one_of:
    case Values::Kind::such_as:
        return fmt::format(" -a '{}'", fmt::join(values.words, " "));
    }
    return "";
}

std::string line_at(const Named& named, const std::string& rest) {
    return fmt::format("complete -c postseal -n \"__postseal_at '{}'\"{}\n", named.path, rest);
}

std::string lines_of(const Named& named) {
    std::string out;
    for (const Command& part : named.command->commands)
        out += line_at(named, fmt::format(" -a {} -d {}", part.name, fish_quoted(part.summary)));
    for (const Option& option : options_of(*named.command)) {
        std::string rest;
        if (!option.letter.empty()) rest += " -s " + option.letter;
        rest += fmt::format(" -l {} -d {}", option.name, fish_quoted(option.help));
        if (!option.value.empty() && !option.if_left_out)
            rest += option.values.kind == Values::Kind::file ? " -r" : " -x";
        out += line_at(named, rest + words_for(option.values));
    }
    for (const Argument& argument : named.command->arguments)
        if (argument.values.kind != Values::Kind::any)
            out += line_at(named, words_for(argument.values));
    return out;
}

} // namespace

std::string fish_completion(const Command& tool) {
    std::string paths;
    std::string lines;
    for (const Named& named : all_commands(tool)) {
        if (!named.path.empty()) paths += fmt::format(" '{}'", named.path);
        lines += lines_of(named);
    }
    return fmt::format(R"(# fish completion of postseal(1), as "postseal completion fish" writes it
# Whether the command named so far is this one.
function __postseal_at
    set -l path
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case {}
                set skip 1
                continue
            case '-*'
                continue
        end
        set -l longer (string trim -- "$path $word")
        contains -- $longer{}
        and set path $longer
    end
    test "$path" = "$argv[1]"
end

complete -c postseal -f
{})",
                       fmt::join(options_with_value(tool), " "), paths, lines);
}

} // namespace postseal::cli
