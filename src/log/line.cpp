// SPDX-License-Identifier: BSD-3-Clause
#include "log/line.h"

#include "postseal/base/nexthop.h"
#include "postseal/base/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace postseal::log {
namespace {

constexpr std::size_t longest_value = 2000;

std::string field_text(std::string_view value) {
    std::string clean = printable(value, longest_value);
    if (!clean.empty() && clean.find_first_of(" \"=") == std::string::npos) return clean;
    std::string out = "\"";
    for (const char c : clean) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

std::string journal_name(std::string_view field) {
    std::string name = "POSTSEAL_";
    for (const char c : field)
        name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

} // namespace

int priority(Level level) {
    switch (level) {
    case Level::error:
        return 3;
    case Level::warning:
        return 4;
    case Level::info:
        return 6;
    case Level::debug:
        return 7;
    }
    return 6;
}

std::string timestamp(WallTime time) {
    std::string text = rfc3339(time);
    text.pop_back(); // Z
    return fmt::format("{}.{:03}Z", text, (time - std::chrono::floor<seconds>(time)).count());
}

std::string text_line(const Event& event) {
    std::string line = fmt::format("{} {}", level_names[event.level], event.name);
    for (const auto& [name, value] : event.fields)
        line += fmt::format(" {}={}", name, field_text(value));
    return line;
}

std::string json_line(const Event& event, std::optional<WallTime> time) {
    nlohmann::ordered_json object;
    if (time) object["time"] = timestamp(*time);
    object["level"] = level_names[event.level];
    object["event"] = event.name;
    for (const auto& [name, value] : event.fields)
        object[std::string(name)] = printable(value, longest_value);
    return object.dump();
}

std::string journal_entry(const Event& event) {
    std::string entry =
        fmt::format("MESSAGE={}\nPRIORITY={}\nSYSLOG_IDENTIFIER=postseald\nPOSTSEAL_EVENT={}\n",
                    text_line(event), priority(event.level), event.name);
    for (const auto& [name, value] : event.fields) {
        entry += fmt::format("{}={}\n", journal_name(name), printable(value, longest_value));
        if (name != "nexthop") continue;
        if (const auto nexthop = Nexthop::parse(value))
            entry += fmt::format("POSTSEAL_DOMAIN={}\n", nexthop->domain.name());
    }
    return entry;
}

} // namespace postseal::log
