// SPDX-License-Identifier: BSD-3-Clause
#include "checks.h"
#include "postseal/verdict/decide.h"

#include <fmt/format.h>

#include <algorithm>

namespace postseal::doctor {
namespace {

constexpr std::string_view level_parameter = "smtp_tls_security_level";
constexpr std::string_view debian_roots = "/etc/ssl/certs/ca-certificates.crt";

bool at_least_encrypt(std::string_view level) {
    const auto known = verdict::default_level_names.find(level);
    return known && *known >= verdict::DefaultLevel::encrypt;
}

// There is one verdict.default_level: it must be that of the strongest client. Then no verdict says
// dane, and a client whose own level is dane uses DANE by that.
bool stands_behind_another(const Facts& facts, std::string_view level) {
    const std::string& assumed = in_force(facts).default_level;
    return level == "dane" && at_least_encrypt(assumed) &&
           std::ranges::any_of(facts.postconf.clients, [&](const Client& other) {
               return level_of(facts.postconf, other) == assumed;
           });
}

std::string shown(std::string_view value) {
    return value.empty() ? std::string("empty") : std::string(value);
}

std::string fault_of(const Facts& facts, const std::string& path) {
    const auto found = facts.authorities.find(path);
    return found != facts.authorities.end() ? found->second : std::string();
}

} // namespace

void check_dns_support(const Facts& facts, const Client& client, Report& report) {
    constexpr std::string_view level_name = "smtp_dns_support_level";
    constexpr std::string_view lookup_name = "smtp_host_lookup";
    if (!in_force(facts).postfix_dnssec) return;
    const auto level = facts.postconf.value(client, level_name);
    const auto lookup = facts.postconf.value(client, lookup_name);
    if (level != "dnssec")
        report.problem(
            "dns-support",
            fmt::format("{} is {}, not dnssec", name_of(client, level_name), shown(level)),
            "Postfix then cannot use DANE: dane-only is deferred, dane becomes may",
            {set(facts, client, level_name, "dnssec")});
    if (!lookup.contains("dns"))
        report.problem(
            "dns-support",
            fmt::format("{} is {}, without dns", name_of(client, lookup_name), shown(lookup)),
            "Postfix then cannot use DANE: dane-only is deferred, dane becomes may",
            {set(facts, client, lookup_name, "dns")});
    report.ok("dns-support", "Postfix asks with DNSSEC");
}

void check_authorities(const Facts& facts, const Client& client, Report& report) {
    constexpr std::string_view file_name = "smtp_tls_CAfile";
    constexpr std::string_view path_name = "smtp_tls_CApath";
    const std::string file(facts.postconf.value(client, file_name));
    std::string path(facts.postconf.value(client, path_name));
    const std::vector<Fix> fix{set(facts, client, file_name, debian_roots)};
    const std::string why = "no certificate can be verified: mail to every domain with an enforced "
                            "MTA-STS policy is deferred";
    if (!file.empty()) {
        if (const std::string fault = fault_of(facts, file); !fault.empty())
            report.problem(
                "ca-file", fmt::format("{}: {}", name_of(client, file_name), fault),
                "smtp(8) then has no TLS at all: mail that must be encrypted, as DANE and "
                "MTA-STS demand, is deferred, and the rest goes in the clear",
                fix);
        else
            report.ok("ca-file", fmt::format("Postfix verifies with {}", file));
        return;
    }
    if (!path.empty()) {
        // Read when it is needed, so in the chroot; the file is read before.
        if (client.chrooted) path = std::string(facts.postconf.value("queue_directory")) + path;
        if (const std::string fault = fault_of(facts, path); !fault.empty())
            report.problem("ca-file", fmt::format("{}: {}", name_of(client, path_name), fault), why,
                           fix);
        else
            report.ok("ca-file", fmt::format("Postfix verifies with {}", path));
        return;
    }
    if (facts.postconf.value("tls_append_default_CA") == "yes")
        report.ok("ca-file", "Postfix verifies with OpenSSL's own certificates");
    else
        report.problem("ca-file",
                       fmt::format("{} and {} are empty", name_of(client, file_name), path_name),
                       why, fix);
}

void check_security_level(const Facts& facts, const Client& client, Report& report) {
    const std::string level = level_of(facts.postconf, client);
    const std::string& assumed = in_force(facts).default_level;
    const auto has = verdict::default_level_names.find(level);
    const auto wants = verdict::default_level_names.find(assumed);
    const std::string what = fmt::format("{} is {}; verdict.default_level is {}",
                                         name_of(client, level_parameter), level, assumed);
    if (!has || !wants) {
        report.problem("security-level", what,
                       "Postfix does not know this level, and defers all "
                       "mail",
                       {set(facts, client, level_parameter, assumed)});
    } else if (stands_behind_another(facts, level)) {
        report.ok("security-level", what);
    } else if (*has < *wants) {
        report.problem("security-level", what,
                       fmt::format("mail to destinations without a promise goes out weaker than "
                                   "postseald takes for granted{}",
                                   level == "none" ? ", in the clear" : ""),
                       {set(facts, client, level_parameter, assumed)});
    } else if (*has > *wants) {
        const std::vector<Fix> fix{
            configure(facts, "[verdict]", fmt::format("default_level = \"{}\"", level)),
            run("postseal reload")};
        if (*has >= verdict::DefaultLevel::encrypt)
            report.problem("security-level", what,
                           "a verdict of dane replaces the level, and can end as may: mail would "
                           "go out weaker than main.cf demands",
                           fix);
        else
            report.warning("security-level", what, "they must be the same", fix);
    } else if (*has == verdict::DefaultLevel::none) {
        report.warning("security-level", what,
                       "mail to destinations without a promise goes out in the clear",
                       {configure(facts, "[verdict]", "default_level = \"may\""),
                        run("postseal reload"), set(facts, client, level_parameter, "may")});
    } else {
        report.ok("security-level", fmt::format("{} is {}, as postseald takes for granted",
                                                name_of(client, level_parameter), level));
    }
}

void check_insecure_mx(const Facts& facts, const Client& client, Report& report) {
    constexpr std::string_view name = "smtp_tls_dane_insecure_mx_policy";
    // Who gets no verdict of dane needs none.
    if (!in_force(facts).postfix_dnssec || at_least_encrypt(in_force(facts).default_level)) return;
    if (!facts.postconf.parameters.contains(name)) return;
    const std::string policy = insecure_mx_policy(facts.postconf, client);
    if (policy == "dane") {
        report.ok("insecure-mx", fmt::format("{} is dane", name_of(client, name)));
        return;
    }
    report.warning("insecure-mx",
                   fmt::format("{} is {}{}", name_of(client, name), shown(policy),
                               facts.postconf.named.contains(name)
                                   ? ""
                                   : ", its default under this smtp_tls_security_level"),
                   "where the MX records are not signed but their hosts have TLSA records, the "
                   "verdict dane (row 12) becomes may",
                   {set(facts, client, name, "dane")});
}

// No fault: but whoever reads verdicts of destinations must know that they do not count.
void check_relayhost(const Facts& facts, const Client& client, Report& report) {
    constexpr std::string_view name = "relayhost";
    const std::string host(facts.postconf.value(client, name));
    if (host.empty()) return;
    report.ok("relayhost",
              fmt::format("{} is {}: mail goes there, so what counts is the policy of {} "
                          "(postseal explain '{}'), and no destination's",
                          name_of(client, name), host, host, host));
}

} // namespace postseal::doctor
