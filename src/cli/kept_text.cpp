// SPDX-License-Identifier: BSD-3-Clause
#include "cli/kept_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace postseal::cli {
namespace {

// Of key, verdict, since, policy; the last column has the rest of the line.
constexpr std::array<std::size_t, 5> widths{40, 18, 9, 24, 0};

// A line in columns. Behind a text that is wider than its column the next line goes on.
class Columns {
  public:
    explicit Columns(std::string& out) : out_(out) {}

    void add(std::string_view text, std::string_view colour = {}) {
        const std::size_t width = widths.at(column_++);
        out_.append(blanks_, ' ');
        if (!colour.empty()) out_ += colour;
        out_ += text;
        if (!colour.empty()) out_ += "\x1b[0m";
        const bool fits = text.size() <= width;
        if (!fits && width != 0) out_ += '\n';
        blanks_ = fits ? width + 1 - text.size() : at_ + width + 1;
        at_ += width + 1;
    }

  private:
    std::string& out_;
    std::size_t column_ = 0;
    std::size_t at_ = 0;     // where the column begins
    std::size_t blanks_ = 0; // before the next text
};

// What its mail is to Postfix: deferred, not held to anything, or held to something.
std::string_view colour_of_verdict(std::string_view verdict) {
    if (verdict == "tempfail") return "\x1b[1;31m";
    if (verdict == "may" || verdict.empty()) return "\x1b[1;33m";
    return "\x1b[1;32m";
}

// As the daemon writes it; nothing for everything else.
std::optional<WallTime> time_of(const Json& object, const char* name) {
    return parse_until(text_of(object, name));
}

std::string ago(std::optional<WallTime> time, WallTime now) {
    if (!time) return "at an unknown time";
    return *time <= now ? span_text(now - *time) + " ago" : "in " + span_text(*time - now);
}

std::string since(const Json& kept, WallTime now) {
    const auto time = time_of(kept, "verdict_since");
    return time ? span_text(now - *time) : "-";
}

std::string verdict_of(const Json& kept) {
    const std::string verdict = text_of(kept, "verdict");
    return verdict.empty() ? "-" : verdict;
}

std::string policy_column(const Json& policy, WallTime now) {
    if (!policy.is_object()) return "-";
    const std::string mode = text_of(policy, "mode");
    if (!policy.value("in_force", false)) return mode + ", ended";
    return fmt::format("{}, {} left", mode,
                       span_text(time_of(policy, "expires_at").value_or(now) - now));
}

constexpr std::string_view outdated = "the overrides have changed since: asked again, it changes";

Json findings_of(const Json& kept) { return kept.value("findings", Json::array()); }

std::string trouble_column(const Json& kept) {
    const Json& policy = kept["policy"];
    std::string text;
    if (policy.is_object() && policy.value("record_gone", false)) text = "no record";
    if (const Json& failing = kept["failing"]; failing.is_object())
        text += fmt::format("{}fetch: {}", text.empty() ? "" : ", ", text_of(failing, "fault"));
    if (kept.value("outdated", false))
        text += fmt::format("{}{}", text.empty() ? "" : ", ", outdated);
    for (const Json& finding : findings_of(kept))
        text += fmt::format("{}{}{}", text.empty() ? "" : ", ",
                            text_of(finding, "code") == "deferred" ? "deferred: " : "",
                            text_of(finding, "text"));
    return text;
}

// Who of a fleet found it out; empty where there is none.
std::string by_whom(const Json& found, const Json& kept) {
    const std::string origin = text_of(found, "origin");
    if (origin.empty()) return "";
    return fmt::format("by {} {}", origin == text_of(kept, "node") ? "this node," : "node", origin);
}

void write_policy(const Json& kept, WallTime now, std::string& out) {
    const Json& policy = kept["policy"];
    if (!policy.is_object()) {
        out += "  MTA-STS   no policy is stored\n";
        return;
    }
    out += fmt::format("  MTA-STS   policy {} (id {}), fetched {}, {}\n", text_of(policy, "mode"),
                       text_of(policy, "id"), ago(time_of(policy, "fetched_at"), now),
                       policy.value("in_force", false)
                           ? "in force until " + text_of(policy, "expires_at")
                           : "ended " + text_of(policy, "expires_at"));
    if (const std::string by = by_whom(policy, kept); !by.empty())
        out += fmt::format("            fetched {}\n", by);
    const auto mx = policy.value("mx", std::vector<std::string>());
    if (!mx.empty()) out += fmt::format("            mx {}\n", fmt::join(mx, " "));
    if (policy.value("record_gone", false))
        out += "            its _mta-sts record no longer exists\n";
    if (const auto next = time_of(policy, "refresh_at"))
        out += *next > now ? fmt::format("            fetched again {}\n", ago(next, now))
                           : std::string("            due to be fetched again\n");
}

void write_failing(const Json& kept, WallTime now, std::string& out) {
    const Json& failing = kept["failing"];
    if (!failing.is_object()) return;
    out += fmt::format("  failing   fetch for id {}: {} ({})\n", text_of(failing, "id"),
                       text_of(failing, "fault"), text_of(failing, "reason"));
    out += fmt::format("            {} in a row, the last {}; next try {}\n",
                       failing.value("failures", 0U), ago(time_of(failing, "failed_at"), now),
                       text_of(failing, "retry_at"));
    if (const std::string by = by_whom(failing, kept); !by.empty())
        out += fmt::format("            tried {}\n", by);
}

} // namespace

std::string list_head() {
    std::string line;
    Columns columns(line);
    for (const std::string_view name : {"KEY", "VERDICT", "SINCE", "POLICY", "TROUBLE"})
        columns.add(name);
    return line + "\n";
}

std::string list_line(const Json& kept, WallTime now, Colour colour) {
    std::string line;
    Columns columns(line);
    columns.add(text_of(kept, "key"));
    columns.add(verdict_of(kept),
                colour == Colour::yes ? colour_of_verdict(text_of(kept, "verdict")) : "");
    columns.add(since(kept, now));
    columns.add(policy_column(kept["policy"], now));
    columns.add(trouble_column(kept));
    return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

std::string kept_text(const Json& kept, WallTime now) {
    std::string out = fmt::format("{}: {}", text_of(kept, "key"), verdict_of(kept));
    if (const int row = kept.value("row", 0); row > 0)
        out += fmt::format(" (row {}), since {}", row, text_of(kept, "verdict_since"));
    out += "\n";
    if (kept.value("outdated", false)) out += fmt::format("  outdated  {}\n", outdated);
    // The daemon writes them once an hour while nothing changes, however often it looks.
    if (const auto recorded = time_of(kept, "seen_at"))
        out += fmt::format("  recorded  {}; while nothing changes, once an hour\n",
                           ago(recorded, now));
    if (const Json& dane = kept["dane"]; dane.is_object()) {
        out += fmt::format("  DANE      {} when last recorded, {}\n",
                           dane.value("found", false) ? "there" : "not there",
                           ago(time_of(dane, "seen_at"), now));
        if (const std::string by = by_whom(dane, kept); !by.empty())
            out += fmt::format("            recorded {}\n", by);
    }
    for (const Json& finding : findings_of(kept)) {
        out += fmt::format("  finding   {}{}, since {}\n",
                           text_of(finding, "code") == "deferred" ? "mail is deferred: " : "",
                           text_of(finding, "text"), text_of(finding, "since"));
        out += fmt::format("            fix: {}\n", text_of(finding, "fix"));
    }
    write_policy(kept, now, out);
    write_failing(kept, now, out);
    return out;
}

} // namespace postseal::cli
