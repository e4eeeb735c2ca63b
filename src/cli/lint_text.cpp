// SPDX-License-Identifier: BSD-3-Clause
#include "cli/lint_text.h"

#include "postseal/base/time.h"
#include "postseal/mtasts/policy.h"
#include "postseal/mtasts/policy_notes.h"
#include "postseal/mtasts/record.h"
#include "json/json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace postseal::cli {
namespace {

using Notes = std::vector<std::string>;

std::string notes_text(const Notes& notes) {
    std::string out;
    for (const std::string& note : notes)
        out += fmt::format("note     {}\n", note);
    return out;
}

Linted faulty(std::string_view name, std::size_t line, std::size_t column, const std::string& fault,
              const Notes& notes) {
    std::string place(name);
    if (line > 0) place += fmt::format(":{}", line);
    if (column > 0) place += fmt::format(":{}", column);
    const Json json = {
        {"good", false}, {"line", line}, {"column", column}, {"fault", fault}, {"notes", notes}};
    return {.good = false,
            .json = dumped(json),
            .text = fmt::format("{}: {}\n{}", place, fault, notes_text(notes))};
}

std::string_view meaning_of(const mtasts::Policy& policy) {
    if (policy.mode != mtasts::Mode::none && policy.max_age == seconds(0))
        return "no sender caches it, because max_age is 0: mail is sent as if there were no policy";
    switch (policy.mode) {
    case mtasts::Mode::enforce:
        return "mail is sent only to the hosts below, over TLS with a matching certificate";
    case mtasts::Mode::testing:
        return "failures are reported, mail is sent all the same";
    case mtasts::Mode::none:
        return "the domain no longer has a policy";
    }
    return "";
}

std::string policy_text(const mtasts::Policy& policy, const std::vector<std::string>& mx,
                        const Notes& notes) {
    std::string out = fmt::format("mode     {}: {}\n", to_string(policy.mode), meaning_of(policy));
    out += fmt::format("max_age  {} s: {}\n", policy.max_age.count(), span_text(policy.max_age));
    std::string_view label = "mx";
    for (const std::string& pattern : mx)
        out += fmt::format("{:<8} {}\n", std::exchange(label, ""), pattern);
    return out + notes_text(notes);
}

} // namespace

Linted lint_record(std::string_view text) {
    const auto record = mtasts::parse_record(text);
    if (!record) return faulty("record", 1, record.error().at + 1, record.error().text, {});
    Notes notes;
    if (!record->note.empty()) notes.push_back(record->note);
    return {.good = true,
            .json = dumped({{"good", true}, {"id", record->id}, {"notes", notes}}),
            .text = fmt::format("id       {}\n{}", record->id, notes_text(notes))};
}

Linted lint_policy(std::string_view text, std::string_view name, std::string_view note) {
    const auto policy = mtasts::parse_policy(text);
    Notes notes;
    if (!note.empty()) notes.emplace_back(note);
    for (const mtasts::PolicyNote& found : mtasts::policy_notes(text))
        notes.push_back(found.line == 0 ? found.text
                                        : fmt::format("line {}: {}", found.line, found.text));
    if (!policy)
        return faulty(name, policy.error().line, policy.error().column, policy.error().text, notes);
    std::vector<std::string> mx;
    for (const mtasts::MxPattern& pattern : policy->mx)
        mx.push_back(pattern.text());
    return {.good = true,
            .json = dumped({{"good", true},
                            {"mode", to_string(policy->mode)},
                            {"mx", mx},
                            {"max_age_s", policy->max_age.count()},
                            {"notes", notes}}),
            .text = policy_text(*policy, mx, notes)};
}

Linted lint_fetch(std::string_view url, std::string_view fault, std::string_view reason) {
    return {.good = false,
            .json = dumped({{"good", false},
                            {"line", 0},
                            {"column", 0},
                            {"fault", fmt::format("{}: {}", fault, reason)},
                            {"notes", Notes{}}}),
            .text = fmt::format("{}: {}: {}\n", url, fault, reason)};
}

} // namespace postseal::cli
