// SPDX-License-Identifier: BSD-3-Clause
#include "cli/doctor_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string_view>

namespace postseal::cli {
namespace {

using doctor::Finding;
using doctor::Fix;
using doctor::Severity;

std::string_view colour_of(Severity severity) {
    switch (severity) {
    case Severity::ok:
        return "\x1b[1;32m";
    case Severity::warning:
        return "\x1b[1;33m";
    case Severity::problem:
        return "\x1b[1;31m";
    }
    return "";
}

std::string mark(Severity severity, Colour colour) {
    const std::string word = fmt::format("{:<8}", to_string(severity));
    return colour == Colour::yes ? fmt::format("{}{}\x1b[0m", colour_of(severity), word) : word;
}

std::string fix_text(const Fix& fix) {
    if (fix.file.empty()) return fix.line;
    if (fix.table.empty()) return fmt::format("in {}: {}", fix.file, fix.line);
    return fmt::format("in {}, {}: {}", fix.file, fix.table, fix.line);
}

bool changes_postfix(const Finding& finding) {
    return std::ranges::any_of(finding.fix, [](const Fix& fix) {
        return fix.line.contains(" -e '") || fix.line.contains(" -P '") ||
               fix.file.ends_with("/master.cf");
    });
}

} // namespace

std::string doctor_text(const std::vector<Finding>& findings, Colour colour) {
    std::string out;
    for (const Finding& finding : findings) {
        out +=
            fmt::format("{} {}: {}\n", mark(finding.severity, colour), finding.check, finding.what);
        if (!finding.why.empty()) out += fmt::format("           why: {}\n", finding.why);
        for (const Fix& fix : finding.fix)
            out += fmt::format("           fix: {}\n", fix_text(fix));
    }
    if (std::ranges::any_of(findings, changes_postfix))
        out += "After a change of main.cf or master.cf: postfix reload\n";
    return out;
}

Json doctor_json(const std::vector<Finding>& findings) {
    Json out = Json::array();
    for (const Finding& finding : findings) {
        Json fixes = Json::array();
        for (const Fix& fix : finding.fix)
            fixes.push_back(
                fix.file.empty()
                    ? Json{{"command", fix.line}}
                    : Json{{"file", fix.file}, {"table", fix.table}, {"line", fix.line}});
        out.push_back({{"severity", to_string(finding.severity)},
                       {"check", finding.check},
                       {"what", finding.what},
                       {"why", finding.why},
                       {"fix", fixes}});
    }
    return out;
}

} // namespace postseal::cli
