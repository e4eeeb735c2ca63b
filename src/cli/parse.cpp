// SPDX-License-Identifier: BSD-3-Clause
#include "cli/parse.h"

#include "postseal/base/nearest.h"
#include "postseal/base/text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace postseal::cli {
namespace {

using Unfit = std::unexpected<std::string>;
using Fit = std::expected<void, std::string>;

std::string spelling(const Option& option) {
    return option.letter.empty() ? "--" + option.name
                                 : fmt::format("-{},--{}", option.letter, option.name);
}

void declare(CLI::App& app, const Command& command) {
    app.set_help_flag("-h,--help");
    app.allow_extras(); // the arguments: CLI11 would take "[mx.example.com]" for a list
    for (const Option& option : command.options) {
        if (option.value.empty()) {
            app.add_flag(spelling(option));
            continue;
        }
        app.add_option(spelling(option))
            ->expected(option.if_left_out ? 0 : 1, 1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
    if (!command.commands.empty()) app.require_subcommand(0, 1);
    for (const Command& part : command.commands)
        declare(*app.add_subcommand(part.name), part);
}

std::string no_value(const std::string& of, const std::string& given, const Values& values) {
    return fmt::format("{} \"{}\": there are: {}", of, printable(given),
                       fmt::join(values.words, ", "));
}

Fit assign(const std::string& of, const std::string& given, const Values& values,
           const Target& target) {
    if (values.kind == Values::Kind::one_of &&
        std::ranges::find(values.words, given) == values.words.end())
        return Unfit(no_value(of, given, values));
    if (auto* const* text = std::get_if<std::string*>(&target)) {
        **text = given;
    } else if (auto* const* texts = std::get_if<std::vector<std::string>*>(&target)) {
        (*texts)->push_back(given);
    } else if (auto* const* number = std::get_if<std::size_t*>(&target)) {
        const char* end = given.data() + given.size();
        const auto read = std::from_chars(given.data(), end, **number);
        if (read.ec != std::errc{} || read.ptr != end)
            return Unfit(fmt::format("{} \"{}\" is not a whole number", of, printable(given)));
    } else {
        *std::get<bool*>(target) = given == "true";
    }
    return {};
}

Fit take_options(CLI::App& app, const Command& command) {
    for (const Option& option : command.options) {
        const std::string name = "--" + option.name;
        const CLI::Option& found = *app.get_option(name);
        if (found.count() == 0) continue;
        const std::vector<std::string> given = found.results();
        const bool left_out = given.back().empty() && option.if_left_out;
        const std::string& value = left_out ? *option.if_left_out : given.back();
        if (auto done = assign(name, value, option.values, option.target); !done) return done;
    }
    return {};
}

Unfit unknown_option(const std::string& word, const Command& command) {
    std::vector<std::string> known;
    for (const Option& option : options_of(command))
        known.push_back("--" + option.name);
    const auto meant = nearest(word.substr(0, word.find('=')), known);
    return Unfit(
        meant ? fmt::format("there is no option {}; did you mean {}?", word, *meant)
              : fmt::format("there is no option {}; there are: {}", word, fmt::join(known, ", ")));
}

Unfit unknown_command(const std::string& word, const Command& command) {
    std::vector<std::string> known(command.commands.size());
    std::ranges::transform(command.commands, known.begin(), &Command::name);
    const auto meant = nearest(word, known);
    return Unfit(meant
                     ? fmt::format("there is no command \"{}\"; did you mean \"{}\"?", word, *meant)
                     : fmt::format("there is no command \"{}\"; there are: {}", word,
                                   fmt::join(known, ", ")));
}

Fit take_arguments(const std::vector<std::string>& words, const Command& command) {
    using Count = Argument::Count;
    auto word = words.begin();
    for (const Argument& argument : command.arguments) {
        const bool needed = argument.count == Count::one || argument.count == Count::several;
        if (word == words.end() && needed) return Unfit(argument.name + " is missing");
        const bool all = argument.count == Count::several || argument.count == Count::any;
        const auto end = all ? words.end() : word + (word == words.end() ? 0 : 1);
        for (; word != end; ++word)
            if (auto done = assign(argument.name, *word, argument.values, argument.target); !done)
                return done;
    }
    if (word != words.end())
        return Unfit(fmt::format("unexpected argument \"{}\"", printable(*word)));
    return {};
}

CLI::App* part_named(CLI::App& app) {
    const auto named = app.get_subcommands();
    return named.empty() ? nullptr : named.front();
}

// The deepest command that was named, and its path.
Parsed deepest(const Command& tool, CLI::App& root) {
    Parsed parsed{.command = &tool, .path = tool.name};
    CLI::App* app = &root;
    while (CLI::App* part = part_named(*app)) {
        app = part;
        parsed.command = find(parsed.command->commands, part->get_name());
        parsed.path += " " + part->get_name();
    }
    return parsed;
}

Fit take_words(const Command& tool, CLI::App& root, std::span<char* const> arguments) {
    const Command* command = &tool;
    CLI::App* app = &root;
    for (;;) {
        if (auto done = take_options(*app, *command); !done) return done;
        // Arguments, and options that nobody knows.
        std::vector<std::string> words = app->remaining();
        const auto odd = std::ranges::find_if(words, [](const std::string& word) {
            return word.size() > 1 && word.starts_with('-');
        });
        if (odd != words.end()) return unknown_option(printable(*odd), *command);
        if (command->run) {
            words.insert(words.end(), arguments.begin(), arguments.end());
            return take_arguments(words, *command);
        }
        if (!words.empty()) return unknown_command(printable(words.front()), *command);
        CLI::App* part = part_named(*app);
        if (part == nullptr) return Unfit("name a command");
        app = part;
        command = find(command->commands, part->get_name());
    }
}

} // namespace

std::expected<Parsed, ParseFault> parse(const Command& tool, std::span<char* const> words) {
    // CLI11 does not hand "--" down to the command that it stands behind.
    const auto mark = std::ranges::find(words, std::string_view("--"),
                                        [](const char* word) { return std::string_view(word); });
    const auto options = static_cast<std::size_t>(mark - words.begin());
    CLI::App root;
    declare(root, tool);
    std::string fault;
    try {
        root.parse(static_cast<int>(options), words.data());
        auto taken = take_words(tool, root, words.subspan(std::min(options + 1, words.size())));
        if (!taken) fault = std::move(taken.error());
    } catch (const CLI::CallForHelp&) {
        Parsed parsed = deepest(tool, root);
        parsed.help = true;
        return parsed;
    } catch (const CLI::ParseError& error) {
        fault = error.what();
    }
    Parsed parsed = deepest(tool, root);
    if (fault.empty()) return parsed;
    return std::unexpected(ParseFault{std::move(fault), std::move(parsed.path)});
}

} // namespace postseal::cli
