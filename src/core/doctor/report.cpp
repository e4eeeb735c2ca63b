// SPDX-License-Identifier: BSD-3-Clause
#include "report.h"

#include "postseal/base/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postseal::doctor {
namespace {

// For the shell that the operator pastes it into.
std::string shell_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

// postconf -P takes no white space in a value.
Fix set_option(const Facts& facts, const Client& client, std::string_view name,
               std::string_view value) {
    std::string dense(value);
    for (auto at = dense.find(", "); at != std::string::npos; at = dense.find(", "))
        dense.erase(at + 1, 1);
    if (dense.find_first_of(" \t") != std::string::npos)
        return {fmt::format("{}/master.cf", facts.postconf.value("config_directory")),
                "service " + client.service, fmt::format("-o {{ {} = {} }}", name, value)};
    return run(fmt::format("{} -P {}", facts.postconf_command,
                           shell_quoted(fmt::format("{}/{} = {}", client.service, name, dense))));
}

} // namespace

constexpr auto severity_names = names_for<Severity>(
    {{Severity::ok, "ok"}, {Severity::warning, "warning"}, {Severity::problem, "problem"}});
std::string_view to_string(Severity severity) { return severity_names[severity]; }

void Report::ok(std::string_view check, std::string what) {
    add({Severity::ok, std::string(check), std::move(what), "", {}});
}

void Report::warning(std::string_view check, std::string what, std::string why,
                     std::vector<Fix> fix) {
    add({Severity::warning, std::string(check), std::move(what), std::move(why), std::move(fix)});
}

void Report::problem(std::string_view check, std::string what, std::string why,
                     std::vector<Fix> fix) {
    add({Severity::problem, std::string(check), std::move(what), std::move(why), std::move(fix)});
}

void Report::add(Finding finding) {
    if (std::ranges::find(findings_, finding) == findings_.end())
        findings_.push_back(std::move(finding));
}

std::vector<Finding> Report::take() {
    std::vector<Finding> all = std::exchange(findings_, {});
    std::vector<Finding> out;
    for (const Finding& finding : all) {
        const bool contradicted = std::ranges::any_of(all, [&](const Finding& other) {
            return other.check == finding.check && other.severity != Severity::ok;
        });
        if (finding.severity != Severity::ok || !contradicted) out.push_back(finding);
    }
    return out;
}

std::string name_of(const Client& client, std::string_view name) {
    return client.overrides.contains(name) ? fmt::format("{} of {}", name, client.service)
                                           : std::string(name);
}

Fix set(const Facts& facts, const Client& client, std::string_view name, std::string_view value) {
    if (client.overrides.contains(name)) return set_option(facts, client, name, value);
    return run(fmt::format("{} -e {}", facts.postconf_command,
                           shell_quoted(fmt::format("{} = {}", name, value))));
}

Fix run(std::string command) { return {"", "", std::move(command)}; }

Fix configure(const Facts& facts, std::string table, std::string line) {
    return {facts.configuration, std::move(table), std::move(line)};
}

} // namespace postseal::doctor
