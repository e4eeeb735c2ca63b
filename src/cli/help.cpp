// SPDX-License-Identifier: BSD-3-Clause
#include "cli/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace postseal::cli {
namespace {

constexpr std::size_t width = 80;

// `text` behind `head`, in lines that begin at column `indent`; a head that is too long for that
// has a line of its own.
std::string wrapped(std::string_view head, std::size_t indent, std::string_view text) {
    std::string out;
    std::string line = fmt::format("{:<{}}", head, indent);
    if (indent > 0 && !line.ends_with("  ")) {
        out = fmt::format("{}\n", head);
        line = std::string(indent, ' ');
    }
    bool begun = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (begun && line.size() + 1 + end > width) {
            out += line + "\n";
            line = std::string(indent, ' ');
            begun = false;
        }
        if (begun) line += ' ';
        line += text.substr(0, end);
        begun = true;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out + line + "\n";
}

std::string as_used(const Argument& argument) {
    switch (argument.count) {
    case Argument::Count::one:
        return argument.name;
    case Argument::Count::optional:
        return "[" + argument.name + "]";
    case Argument::Count::several:
        return argument.name + "...";
    case Argument::Count::any:
        return "[" + argument.name + "...]";
    }
    return argument.name;
}

std::string usage_text(const Command& command, std::string_view path) {
    std::string out = fmt::format("Usage: {} [options]", path);
    for (const Argument& argument : command.arguments)
        out += " " + as_used(argument);
    if (!command.commands.empty()) out += " COMMAND ...";
    return out + "\n";
}

std::string option_text(const Option& option, std::size_t indent) {
    std::string head = option.letter.empty()
                           ? "      --" + option.name
                           : fmt::format("  -{}, --{}", option.letter, option.name);
    if (!option.value.empty())
        head += option.if_left_out ? " [" + option.value + "]" : " " + option.value;
    std::string help = option.help;
    if (option.values.kind == Values::Kind::one_of)
        help += fmt::format(": {}", fmt::join(option.values.words, ", "));
    return wrapped(head, indent, help);
}

std::string sentence(std::string clause) {
    if (clause.front() >= 'a' && clause.front() <= 'z')
        clause.front() = static_cast<char>(clause.front() - 'a' + 'A');
    return clause + ".";
}

std::size_t longest(const std::vector<Command>& commands) {
    std::size_t most = 0;
    for (const Command& part : commands)
        most = std::max(most, part.name.size());
    return most;
}

} // namespace

std::string help_text(const Command& command, std::string_view path) {
    constexpr std::size_t option_indent = 26;
    std::string out = usage_text(command, path);
    out += "\n" + wrapped("", 0, sentence(command.summary));
    if (!command.arguments.empty()) out += "\nArguments:\n";
    for (const Argument& argument : command.arguments)
        out += wrapped("  " + argument.name, option_indent, argument.help);
    if (!command.commands.empty()) out += "\nCommands:\n";
    const std::size_t command_indent = longest(command.commands) + 4;
    for (const Command& part : command.commands)
        out += wrapped("  " + part.name, command_indent, part.summary);
    out += "\nOptions:\n";
    for (const Option& option : options_of(command))
        out += option_text(option, option_indent);
    if (!command.examples.empty()) out += "\nExamples:\n";
    for (const std::string& example : command.examples)
        out += "  " + example + "\n";
    if (!command.footer.empty()) out += "\n" + wrapped("", 0, command.footer);
    return out;
}

} // namespace postseal::cli
