// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/doctor/examine.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace postseal::test {
namespace {

using namespace doctor;
using namespace std::chrono_literals;

const WallTime noon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 12h};

struct Texts {
    std::string main = "compatibility_level = 3.6\n"
                       "mail_version = 3.7.11\n"
                       "queue_directory = /var/spool/postfix\n"
                       "smtp_dns_support_level = dnssec\n"
                       "smtp_host_lookup = dns\n"
                       "smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n"
                       "smtp_tls_dane_insecure_mx_policy = dane\n"
                       "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix\n"
                       "smtp_tls_security_level = dane\n"
                       "tls_append_default_CA = no\n";
    std::string named;
    std::string defaults = "smtp_tls_dane_insecure_mx_policy = "
                           "${{$smtp_tls_security_level} == {dane} ? {dane} : {may}}\n";
    std::string services = "smtp unix - - n - - smtp\n";
    std::string options;
};

Settings usual_settings() {
    return {.listeners = {{parse_endpoint("inet:127.0.0.1:8461"), "socketmap", {}},
                          {parse_endpoint("unix:/run/postseal/admin.sock"), "admin", {}}},
            .maps = {{"postfix", "legacy"},
                     {"QUERY", "legacy"},
                     {"tlsrpt", "tlsrpt"},
                     {"QUERYwithTLSRPT", "tlsrpt"},
                     {"requiretls", "requiretls"}},
            .default_level = "dane"};
}

// All is well.
Facts healthy() {
    Facts facts;
    facts.configuration = "postseal.toml";
    facts.postconf_command = "postconf";
    facts.settings = usual_settings();
    facts.daemon = Daemon{.settings = facts.settings, .version = "1.0"};
    facts.mail_owner = User{.name = "postfix", .group = "postfix", .uid = 101, .gids = {101}};
    facts.real_queue_directory = "/var/spool/postfix";
    facts.resolv_conf = "/etc/resolv.conf";
    facts.name_servers = {
        {.address = "127.0.0.1", .ad = true, .signature = Signature{noon - 24h, noon + 24h}}};
    facts.now = noon;
    facts.store_written = noon - 10s;
    return facts;
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = text.find(separator);
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + separator.size());
    }
    return out;
}

std::pair<std::string, std::string> name_and_value(const std::string& text) {
    const auto sign = text.find(" = ");
    if (sign == std::string::npos) throw std::runtime_error("no \" = \": " + text);
    return {text.substr(0, sign), text.substr(sign + 3)};
}

// "/run 0755 0 0, /run/x 0660 0 101"
Reached reached_over(const std::string& text) {
    Reached out;
    for (const std::string& part : split(text, ", ")) {
        const auto words = split(part, " ");
        const auto number = [&](std::size_t i, int base) {
            return static_cast<std::uint32_t>(std::stoul(words.at(i), nullptr, base));
        };
        out.parts.push_back({words.at(0), number(2, 10), number(3, 10), number(1, 8)});
        out.real_path = words.at(0);
    }
    return out;
}

void change_settings(Settings& settings, const std::string& name, const std::string& value) {
    if (name == "default_level") settings.default_level = value;
    if (name == "postfix_dnssec") settings.postfix_dnssec = value == "true";
    if (name != "listen") return;
    settings.listeners.clear();
    for (const std::string& listener : split(value, ", ")) {
        const auto words = split(listener, " "); // ADDRESS PROTOCOL MAP...
        settings.listeners.push_back(
            {parse_endpoint(words.at(0)), words.at(1), {words.begin() + 2, words.end()}});
    }
}

// What the third column says besides settings.
void change_facts(Facts& facts, const std::string& name, const std::string& value) {
    if (name == "daemon") facts.daemon.reset(), facts.admin_fault = value;
    if (name == "forbidden") facts.daemon.reset(), facts.admin_forbidden = true;
    if (name == "unread") facts.daemon->unread = value;
    if (name == "degraded") facts.daemon->degraded = value;
    if (name == "reload_error") facts.daemon->reload_error = value;
    if (name == "file default_level") facts.settings.default_level = value;
    if (name == "postconf") facts.postconf_fault = value;
    if (name.starts_with("fault ")) facts.reached[name.substr(6)].fault = value;
    if (name.starts_with("tried ")) facts.tried[name.substr(6)].fault = value;
    if (name.starts_with("source ")) facts.tried[name.substr(7)].source_exists = value == "yes";
    if (name == "file") facts.configuration_fault = value;
    if (name == "resolv.conf") facts.resolv_conf = value, facts.resolv_conf_missing = true;
    if (name.starts_with("path ")) facts.reached["unix:" + name.substr(5)] = reached_over(value);
    if (name.starts_with("ca ")) facts.authorities[name.substr(3)] = value;
    if (name == "resolver") facts.name_servers[0].fault = value;
    if (name == "ad") facts.name_servers[0].ad = value == "yes";
    if (name == "clock") facts.now += std::chrono::hours(std::stoi(value));
    if (name == "validation")
        facts.validation = Validation{.fault = value.substr(0, value.find(' ')),
                                      .reason = "why",
                                      .fix = "how",
                                      .servers = value.substr(value.find(' ') + 1)};
    if (name == "unasked")
        facts.unasked_zones.push_back(
            {.name = value, .servers = {{"ns." + value, "10.0.0.53", "private (RFC 1918)"}}});
    if (name == "private") facts.private_name_servers.push_back(value);
    if (name == "anchor") facts.trust_anchor_fault = value;
    if (name == "shared_store") {
        facts.shared_store = true;
        if (value != "verified") facts.unverified_store = value;
    }
    if (name == "user") facts.mail_owner->uid = static_cast<std::uint32_t>(std::stoul(value));
}

struct Patient {
    Facts facts = healthy();
    Texts texts;

    void set_parameter(const std::string& name, const std::string& value) {
        const std::string line = fmt::format("{} = {}\n", name, value);
        const auto at = ("\n" + texts.main).find("\n" + name + " = ");
        if (at != std::string::npos) texts.main.erase(at, texts.main.find('\n', at) + 1 - at);
        texts.main += line;
        texts.named += line;
    }
    void set(const std::string& name, const std::string& value) {
        if (name.starts_with("preset ")) texts.defaults = name.substr(7) + " = " + value + "\n";
        change_settings(facts.settings, name, value);
        if (facts.daemon) change_settings(facts.daemon->settings, name, value);
        change_facts(facts, name, value);
    }
    std::vector<Finding> findings() {
        auto postconf = parse_postconf(
            {texts.main, texts.named, texts.defaults, texts.services, texts.options});
        REQUIRE(postconf);
        facts.postconf = *std::move(postconf);
        return examine(facts);
    }
    // False: it is nothing that a test can carry out.
    bool carry_out(const Fix& fix) {
        if (!fix.file.empty()) return configure(fix);
        if (fix.line == "postseal reload") {
            facts.daemon->settings = facts.settings;
            return true;
        }
        if (!fix.line.starts_with("postconf -") || !fix.line.ends_with('\'')) return false;
        const auto [name, value] = name_and_value(fix.line.substr(13, fix.line.size() - 14));
        if (fix.line.starts_with("postconf -P '"))
            texts.options += fmt::format("{} = {}\n", name, value);
        else
            set_parameter(name, value);
        return true;
    }

  private:
    bool configure(const Fix& fix) {
        std::string line = fix.line;
        std::erase(line, '"');
        const auto [name, value] = name_and_value(line);
        if (fix.file != facts.configuration) return false;
        if (fix.table == "[dns]") { // what another resolver finds
            if (facts.validation) facts.validation->fault.clear();
            if (name == "private_name_servers") facts.unasked_zones.clear();
            return true;
        }
        if (fix.table == "[verdict]") {
            set(name, value);
            return true;
        }
        for (Settings* settings : {&facts.settings, &facts.daemon->settings}) {
            if (fix.table == "a new [[listen]]")
                settings->listeners.push_back({parse_endpoint(value), "socketmap", {}});
            for (Settings::Listener& listener : settings->listeners)
                if (name == "maps" && fix.table.ends_with(listener.endpoint.text()))
                    listener.maps = {value.substr(1, value.size() - 2)};
        }
        return name != "group" && name != "mode";
    }
};

Patient patient_of(const Row& row) {
    Patient patient;
    for (const std::string& change : split(row.fields[0], "; ")) {
        const auto [name, value] = name_and_value(change);
        patient.set_parameter(name, value == "-" ? "" : value);
    }
    if (!row.fields[1].empty()) patient.texts.services.clear();
    for (std::string& line : split(row.fields[1], "; ")) {
        if (line.ends_with(" = -")) line.pop_back();
        (line.contains(" = ") ? patient.texts.options : patient.texts.services) += line + "\n";
    }
    for (const std::string& change : split(row.fields[2], "; ")) {
        const auto [name, value] = name_and_value(change);
        patient.set(name, value);
    }
    return patient;
}

std::string shown(const Finding& finding) {
    std::string out = fmt::format("{} {}", to_string(finding.severity), finding.check);
    for (const Fix& fix : finding.fix)
        out += fmt::format(" -> {}{}", fix.table.empty() ? "" : fix.table + " ", fix.line);
    return out;
}

std::string shown(const std::vector<Finding>& findings) {
    std::string out;
    for (const Finding& finding : findings)
        if (finding.severity != Severity::ok) out += (out.empty() ? "" : "; ") + shown(finding);
    return out;
}

TEST_CASE("examine: all is well, and every check says so") {
    Patient patient;
    const auto findings = patient.findings();
    CHECK(shown(findings).empty());
    std::vector<std::string> checks;
    checks.reserve(findings.size());
    for (const Finding& finding : findings)
        checks.push_back(finding.check);
    CHECK(checks == std::vector<std::string>{"daemon", "maps", "map-form", "dns-support", "ca-file",
                                             "security-level", "insecure-mx", "resolver", "clock",
                                             "trust-anchor"});
}

TEST_CASE("examine: table") {
    for (const Row& row : read_table("doctor/examine.table", 5)) {
        CAPTURE(row.line);
        const auto findings = patient_of(row).findings();
        CHECK(shown(findings) == row.fields[3]);
        for (const Finding& finding : findings)
            CHECK(finding.why.empty() == (finding.severity == Severity::ok));
    }
}

TEST_CASE("examine: what is said to mend it does") {
    int mended = 0;
    for (const Row& row : read_table("doctor/examine.table", 5)) {
        CAPTURE(row.line);
        for (const Finding& finding : patient_of(row).findings()) {
            Patient patient = patient_of(row);
            if (finding.severity == Severity::ok || finding.fix.empty() ||
                !std::ranges::all_of(finding.fix,
                                     [&](const Fix& fix) { return patient.carry_out(fix); }))
                continue;
            mended++;
            const auto after = patient.findings();
            CAPTURE(shown(finding));
            CAPTURE(shown(after));
            CHECK(std::ranges::none_of(after, [&](const Finding& other) {
                return other.check == finding.check && other.what == finding.what;
            }));
        }
    }
    CHECK(mended > 25);
}

} // namespace
} // namespace postseal::test
