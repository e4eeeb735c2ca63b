// SPDX-License-Identifier: BSD-3-Clause
#include "engine/override_notes.h"

#include "postseal/base/text.h"
#include "postseal/base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace postseal::engine {
namespace {

// Behind the word "until", whatever is between: "2027-01-31". Empty: none.
std::string_view day_of(std::string_view comment) {
    constexpr std::string_view until = "until";
    const std::string lower = lower_ascii(comment);
    for (auto at = lower.find(until); at != std::string::npos; at = lower.find(until, at + 1)) {
        if (at > 0 && is_alphanumeric(lower[at - 1])) continue;
        std::string_view day = comment.substr(at + until.size());
        day.remove_prefix(std::min(day.find_first_not_of(" \t\r:="), day.size()));
        day = day.substr(0, day.find_first_of(" \t\r"));
        while (!day.empty() && !parse_until(day) && !is_alphanumeric(day.back()))
            day.remove_suffix(1);
        if (parse_until(day)) return day;
    }
    return {};
}

} // namespace

std::vector<config::Error> override_notes(const Overrides& overrides) {
    std::vector<config::Error> notes;
    for (const auto& [key, entry] : overrides.entries()) {
        const std::string_view day = entry.until ? std::string_view() : day_of(entry.comment);
        if (!day.empty())
            notes.push_back(
                {entry.file, entry.line, "",
                 fmt::format("\"{}\" says \"until {}\", which is not an end: write until={}", key,
                             day, day)});
    }
    return notes;
}

} // namespace postseal::engine
