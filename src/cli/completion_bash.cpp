// SPDX-License-Identifier: BSD-3-Clause
#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace postseal::cli {
namespace {

// What puts the words for a value into COMPREPLY; empty: there are none.
std::string reply_for(const Values& values) {
    switch (values.kind) {
    case Values::Kind::any:
        return "";
    case Values::Kind::file:
        return R"(compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"))";
    case Values::Kind::folder:
        return R"(compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"))";
    case Values::Kind::program:
        return R"(mapfile -t COMPREPLY < <(compgen -c -- "$cur"))";
    case Values::Kind::one_of:
    case Values::Kind::such_as:
        return fmt::format(R"(mapfile -t COMPREPLY < <(compgen -W "{}" -- "$cur"))",
                           fmt::join(values.words, " "));
    }
    return "";
}

std::string value_cases(const Named& named) {
    std::string out;
    for (const Option& option : named.command->options)
        if (!option.value.empty() && !option.if_left_out)
            for (const std::string& spelling : spellings(option))
                out += fmt::format(
                    "    '{}:{}') {}; return ;;\n", named.path, spelling,
                    option.values.kind == Values::Kind::any ? ":" : reply_for(option.values));
    return out;
}

std::string words_case(const Named& named) {
    std::string options;
    for (const Option& option : options_of(*named.command))
        for (const std::string& spelling : spellings(option))
            options += " " + spelling;
    std::string arguments;
    for (const Command& part : named.command->commands)
        arguments += " " + part.name;
    std::string reply;
    if (!arguments.empty())
        reply = reply_for({Values::Kind::one_of, {arguments.substr(1)}});
    else if (!named.command->arguments.empty())
        reply = reply_for(named.command->arguments.front().values);
    return fmt::format("    '{}') options=\"{}\"; [[ $cur == -* ]] || {{ {}; }} ;;\n", named.path,
                       options.substr(1), reply.empty() ? ":" : reply);
}

} // namespace

std::string bash_completion(const Command& tool) {
    std::string paths;
    std::string values;
    std::string words;
    for (const Named& named : all_commands(tool)) {
        if (!named.path.empty())
            paths += fmt::format("{}'{}'", paths.empty() ? "" : "|", named.path);
        values += value_cases(named);
        words += words_case(named);
    }
    return fmt::format(R"(# bash completion of postseal(1), as "postseal completion bash" writes it
_postseal()
{{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} path= options= word i
    COMPREPLY=()
    # bash splits "--map=po" at "=".
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        case $word in
        {}) [[ ${{COMP_WORDS[i + 1]}} == = ]] && ((i++)); ((i++)); continue ;;
        -*) continue ;;
        esac
        word="${{path:+$path }}$word"
        case $word in
        {}) path=$word ;;
        esac
    done
    case "$path:$prev" in
{}    esac
    case $path in
{}    esac
    [[ $cur == -* ]] && mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
}}
complete -F _postseal postseal
)",
                       fmt::join(options_with_value(tool), "|"), paths, values, words);
}

} // namespace postseal::cli
