// SPDX-License-Identifier: BSD-3-Clause
#include "cli/lint_text.h"

#include "engine/json.h"
#include "postseal/base/time.h"
#include "postseal/mtasts/policy.h"
#include "postseal/mtasts/record.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vector>

namespace postseal::cli {
namespace {

using namespace std::chrono_literals;

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Linted faulty(std::string_view name, std::size_t line, std::size_t column,
              const std::string& fault) {
    std::string place(name);
    if (line > 0) place += fmt::format(":{}", line);
    if (column > 0) place += fmt::format(":{}", column);
    const Json json = {{"good", false}, {"line", line}, {"column", column}, {"fault", fault}};
    return {.good = false, .json = dumped(json), .text = fmt::format("{}: {}\n", place, fault)};
}

std::string_view meaning_of(mtasts::Mode mode) {
    switch (mode) {
    case mtasts::Mode::enforce:
        return "mail goes only to hosts below, by TLS with a certificate that fits";
    case mtasts::Mode::testing:
        return "faults are reported, mail goes all the same";
    case mtasts::Mode::none:
        return "the domain has no policy any more";
    }
    return "";
}

// What is right and yet perhaps not meant.
std::vector<std::string> notes_on(const mtasts::Policy& policy) {
    std::vector<std::string> notes;
    if (policy.mode != mtasts::Mode::none && policy.max_age < 24h)
        notes.emplace_back("max_age is less than a day: senders forget the policy between two "
                           "mails (RFC 8461 section 3.2 wants weeks)");
    if (policy.mode == mtasts::Mode::none && !policy.mx.empty())
        notes.emplace_back("mode is none: the mx lines mean nothing");
    return notes;
}

std::string policy_text(const mtasts::Policy& policy, const std::vector<std::string>& mx,
                        const std::vector<std::string>& notes) {
    std::string out =
        fmt::format("mode     {}: {}\n", to_string(policy.mode), meaning_of(policy.mode));
    out += fmt::format("max_age  {} s: {}\n", policy.max_age.count(), span_text(policy.max_age));
    std::string_view label = "mx";
    for (const std::string& pattern : mx) {
        out += fmt::format("{:<8} {}\n", label, pattern);
        label = "";
    }
    for (const std::string& note : notes)
        out += fmt::format("note     {}\n", note);
    return out;
}

} // namespace

Linted lint_record(std::string_view text) {
    const auto record = mtasts::parse_record(text);
    if (!record) return faulty("record", 1, record.error().at + 1, record.error().text);
    return {.good = true,
            .json = dumped({{"good", true}, {"id", record->id}}),
            .text = fmt::format("id       {}\n", record->id)};
}

Linted lint_policy(std::string_view text, std::string_view name) {
    const auto policy = mtasts::parse_policy(text);
    if (!policy)
        return faulty(name, policy.error().line, policy.error().column, policy.error().text);
    std::vector<std::string> mx;
    for (const mtasts::MxPattern& pattern : policy->mx)
        mx.push_back(pattern.text());
    const std::vector<std::string> notes = notes_on(*policy);
    return {.good = true,
            .json = dumped({{"good", true},
                            {"mode", to_string(policy->mode)},
                            {"mx", mx},
                            {"max_age_s", policy->max_age.count()},
                            {"notes", notes}}),
            .text = policy_text(*policy, mx, notes)};
}

} // namespace postseal::cli
