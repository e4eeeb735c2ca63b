// SPDX-License-Identifier: BSD-3-Clause
#include "cli/explain_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::cli {
namespace {

// A label on the first line of a paragraph, blanks on the others.
class Paragraphs {
  public:
    void begin(std::string_view label) { label_ = label; }
    void line(std::string_view text) {
        out_ += fmt::format("  {:<9} {}\n", std::exchange(label_, ""), text);
    }
    [[nodiscard]] const std::string& text() const { return out_; }

  private:
    std::string_view label_;
    std::string out_;
};

void write_reasons(const Json& explain, Paragraphs& out) {
    out.begin("because");
    for (const Json& reason : explain["verdict"]["reasons"])
        out.line(reason.get<std::string>());
}

void write_override(const Json& explain, Paragraphs& out) {
    const auto found = explain.find("override");
    if (found == explain.end()) return;
    out.begin("override");
    std::string line = fmt::format("{}:{}: {} {}", text_of(*found, "file"), found->value("line", 0),
                                   text_of(*found, "key"), text_of(*found, "policy"));
    if (const std::string until = text_of(*found, "until"); !until.empty())
        line += ", until " + until;
    if (const std::string why = text_of(*found, "comment"); !why.empty()) line += "; " + why;
    out.line(line);
}

void write_findings(const Json& explain, Paragraphs& out) {
    const auto found = explain.find("findings");
    if (found == explain.end()) return;
    out.begin("finding");
    for (const Json& finding : *found) {
        out.line(text_of(finding, "text"));
        out.line("fix: " + text_of(finding, "fix"));
    }
}

// What "because" has said already is not said again.
bool is_said(const Json& explain, const std::string& reason) {
    for (const Json& said : explain["verdict"]["reasons"])
        if (said.get<std::string>().contains(reason)) return true;
    return false;
}

// The cause alone counts: "MX lookup of a.example is bogus: CAUSE".
bool is_cause_said(const Json& explain, const std::string& reason) {
    for (const std::string_view mark : {" is bogus: ", " failed: "})
        if (const auto at = reason.find(mark);
            at != std::string::npos && is_said(explain, reason.substr(at + mark.size())))
            return true;
    return is_said(explain, reason);
}

void write_reason(const Json& explain, const std::string& indent, const std::string& reason,
                  Paragraphs& out) {
    if (!reason.empty() && !is_cause_said(explain, reason)) out.line(indent + reason);
}

void write_host(const Json& explain, const Json& host, Paragraphs& out) {
    out.line(fmt::format("{} {}  {}: {}", host["preference"].get<int>(), text_of(host, "name"),
                         text_of(host, "state"), text_of(host, "meaning")));
    for (const Json& record : host["tlsa"])
        out.line(
            fmt::format("    {} TLSA {}", text_of(host, "tlsa_name"), record.get<std::string>()));
    write_reason(explain, "    ", text_of(host, "reason"), out);
}

void write_mx(const Json& explain, Paragraphs& out) {
    if (!explain.contains("mx")) return;
    const Json& mx = explain["mx"];
    out.begin("MX");
    std::string head = mx["literal_host"].get<bool>() ? "the host itself" : text_of(mx, "state");
    if (mx["implicit"].get<bool>()) head += ", none: the domain is its own host";
    if (!text_of(mx, "canonical_name").empty())
        head += ", CNAME to " + text_of(mx, "canonical_name");
    out.line(head);
    write_reason(explain, "", text_of(mx, "reason"), out);
    for (const Json& host : mx["hosts"])
        write_host(explain, host, out);
    if (const int beyond = mx["beyond"].get<int>(); beyond > 0)
        out.line(fmt::format("and {} more hosts, not looked up", beyond));
    if (const int addresses = mx.value("addresses", 0); addresses > 0)
        out.line(fmt::format("and {} record{} with an address in the place of a name", addresses,
                             addresses == 1 ? "" : "s"));
}

std::string policy_line(const Json& policy) {
    std::string mx;
    for (const Json& pattern : policy["mx"])
        mx += " " + pattern.get<std::string>();
    return fmt::format("policy {} (id {}), fetched {}, until {}; mx{}", text_of(policy, "mode"),
                       text_of(policy, "id"), text_of(policy, "fetched_at"),
                       text_of(policy, "expires_at"), mx.empty() ? " none" : mx);
}

void write_sts(const Json& explain, Paragraphs& out) {
    if (!explain.contains("mta_sts")) return;
    const Json& sts = explain["mta_sts"];
    out.begin("MTA-STS");
    std::string head = "record " + text_of(sts, "record");
    if (!text_of(sts, "record_id").empty()) head += ", id " + text_of(sts, "record_id");
    const std::string reason = text_of(sts, "record_reason");
    if (!reason.empty() && !is_cause_said(explain, reason)) head += ": " + reason;
    out.line(head);
    if (!text_of(sts, "fetch_fault").empty())
        out.line(fmt::format("fetch {} ({}): {}", text_of(sts, "fetch"),
                             text_of(sts, "fetch_fault"), text_of(sts, "fetch_reason")));
    if (!text_of(sts, "retry_at").empty()) out.line("next try " + text_of(sts, "retry_at"));
    if (sts["policy"].is_object()) out.line(policy_line(sts["policy"]));
}

std::string reply_text(const Json& reply) {
    const std::string kind = text_of(reply, "kind");
    if (kind == "ok") return text_of(reply, "text");
    if (kind == "temp") return "TEMP " + text_of(reply, "text");
    return "NOTFOUND";
}

// Maps that write the same share a line.
void write_replies(const Json& explain, Paragraphs& out) {
    if (!explain.contains("replies")) return;
    std::vector<std::pair<std::string, std::string>> lines; // reply, map names
    for (const auto& [map, reply] : explain["replies"].items()) {
        const std::string text = reply_text(reply);
        const auto known =
            std::ranges::find(lines, text, &std::pair<std::string, std::string>::first);
        if (known == lines.end())
            lines.emplace_back(text, map);
        else
            known->second += ", " + map;
    }
    out.begin("reply");
    for (const auto& [text, maps] : lines)
        out.line(fmt::format("{}: {}", maps, text));
    if (const std::string action = text_of(explain, "delegation"); !action.empty())
        out.line("delegation: " + action);
}

void write_age(const Json& explain, Paragraphs& out) {
    if (!explain.contains("obtained_at")) return;
    out.begin("as of");
    const long holds = explain["holds_s"].get<long>();
    if (explain["partial"].get<bool>())
        out.line(text_of(explain, "obtained_at") + ", partial: the lookup goes on");
    else
        out.line(fmt::format("{}, holds for {} s", text_of(explain, "obtained_at"), holds));
}

std::string_view colour_of(std::string_view cls) {
    if (cls == "tempfail") return "\x1b[1;31m";
    if (cls == "may") return "\x1b[1;33m";
    return "\x1b[1;32m";
}

} // namespace

std::string explain_text(const Json& explain, Colour colour) {
    const Json& verdict = explain["verdict"];
    const std::string cls = text_of(verdict, "class");
    const std::string level = text_of(verdict, "level");
    std::string head = cls;
    if (level != "-" && level != cls) head += " " + level;
    if (colour == Colour::yes) head = fmt::format("{}{}\x1b[0m", colour_of(cls), head);
    if (const int row = verdict["row"].get<int>(); row > 0) head += fmt::format(" (row {})", row);
    Paragraphs out;
    write_reasons(explain, out);
    write_override(explain, out);
    write_mx(explain, out);
    write_sts(explain, out);
    write_findings(explain, out);
    write_replies(explain, out);
    write_age(explain, out);
    for (const char* name : {"mail", "next"}) {
        if (!explain.contains(name)) continue;
        out.begin(name);
        out.line(text_of(explain, name));
    }
    return fmt::format("{}: {}\n{}", text_of(explain, "key"), head, out.text());
}

} // namespace postseal::cli
