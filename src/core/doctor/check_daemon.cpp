// SPDX-License-Identifier: BSD-3-Clause
#include "checks.h"

#include <fmt/format.h>

namespace postseal::doctor {

void check_daemon(const Facts& facts, Report& report) {
    if (!facts.daemon && facts.admin_forbidden) {
        report.warning("daemon", facts.admin_fault,
                       "cannot tell whether postseald is running; this report is about its file",
                       {run("sudo postseal doctor")});
        return;
    }
    if (!facts.daemon && !facts.configuration_fault.empty()) {
        report.problem("daemon", facts.configuration_fault,
                       "postseald cannot start with this file, and Postfix defers all mail that it "
                       "would ask about",
                       {run("postseal check-config")});
        return;
    }
    if (!facts.daemon) {
        report.problem(
            "daemon", facts.admin_fault,
            "while postseald is not running, Postfix defers all mail that it would ask about",
            {run("systemctl start postseald")});
        return;
    }
    const Daemon& daemon = *facts.daemon;
    if (!facts.configuration_fault.empty())
        report.problem("daemon", facts.configuration_fault,
                       "postseald is running with the configuration that it read before; with this "
                       "file it could not start again",
                       {run("postseal check-config")});
    report.ok("daemon", fmt::format("postseald {} runs", daemon.version));
    if (!daemon.unread.empty())
        report.problem("daemon", "postseald cannot read its database: " + daemon.unread,
                       "mail is deferred where only a stored policy would decide "
                       "(verdict.without_store)",
                       {run("journalctl -u postseald")});
    else if (!daemon.degraded.empty())
        report.warning("daemon", "postseald runs degraded: " + daemon.degraded,
                       "it answers from memory, but a restart would lose what it cannot save",
                       {run("journalctl -u postseald")});
    if (!daemon.reload_error.empty())
        report.warning("daemon", "the last reload failed: " + daemon.reload_error,
                       "the configuration before it is still in force",
                       {run("postseal check-config")});
    else if (facts.configuration_fault.empty() && daemon.settings != facts.settings)
        report.warning("daemon",
                       fmt::format("{} has changed since postseald read it", facts.configuration),
                       "this report is about the configuration in force, not about the file",
                       {run("postseal reload")});
}

void check_shared_store(const Facts& facts, Report& report) {
    if (!facts.shared_store) return;
    if (facts.unverified_store.empty())
        report.ok("shared-store", "the server of the shared store proves who it is");
    else
        report.warning(
            "shared-store",
            fmt::format("nothing proves that {} is the server of the shared store",
                        facts.unverified_store),
            "anyone in between can read and change what the fleet shares, overrides included",
            {configure(facts, "", "store = \"postgresql://...?sslmode=verify-full\""),
             run("systemctl restart postseald")});
}

void check_trust_anchor(const Facts& facts, Report& report) {
    if (facts.trust_anchor_fault.empty())
        report.ok("trust-anchor", "the trust anchors can be read, and are up to date");
    else
        report.problem(
            "trust-anchor", facts.trust_anchor_fault,
            "with an outdated key every signed domain is bogus, and its mail deferred",
            {run("apt install --only-upgrade dns-root-data"), run("systemctl restart postseald")});
}

namespace {

std::vector<Fix> validation_fix(const Facts& facts, const Validation& validation) {
    if (validation.fault == "trust-anchor")
        return {configure(facts, "[dns]", "trust_anchor = [\"system\"]"), run("postseal reload")};
    if (validation.fault == "clock") return {run("timedatectl set-ntp true")};
    if (validation.servers == "authoritative")
        return {configure(facts, "[dns]", "forward = [\"resolv.conf\"]"), run("postseal reload")};
    if (validation.servers == "forwarders")
        return {configure(facts, "[dns]", "forward = []"), run("postseal reload")};
    return {run("apt install unbound"), Fix{"/etc/resolv.conf", "", "nameserver 127.0.0.1"}};
}

} // namespace

void check_validation(const Facts& facts, Report& report) {
    if (!facts.validation) return;
    const Validation& validation = *facts.validation;
    if (validation.fault.empty())
        report.ok("validation", fmt::format("postseald validates DNSSEC ({})", validation.servers));
    else
        report.problem("validation",
                       fmt::format("postseald cannot validate DNSSEC ({}): {}; {}",
                                   validation.fault, validation.reason, validation.fix),
                       "to it no domain is signed: new DANE is not found, and mail to domains with "
                       "an enforced policy is deferred",
                       validation_fix(facts, validation));
}

} // namespace postseal::doctor
