// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/doctor/examine.h"

#include "checks.h"

namespace postseal::doctor {
namespace {

void check_client(const Facts& facts, const Client& client, Report& report) {
    check_maps(facts, client, report);
    check_requiretls(facts, client, report);
    check_sockets(facts, client, report);
    check_dns_support(facts, client, report);
    check_authorities(facts, client, report);
    check_security_level(facts, client, report);
    check_insecure_mx(facts, client, report);
    check_relayhost(facts, client, report);
}

} // namespace

std::vector<Finding> examine(const Facts& facts) {
    Report report;
    check_daemon(facts, report);
    if (facts.postconf_fault.empty()) {
        for (const Client& client : facts.postconf.clients)
            check_client(facts, client, report);
        check_name_servers(facts, report);
        check_unasked_zones(facts, report);
    } else {
        report.problem("postconf", facts.postconf_fault, "without it Postfix cannot be checked",
                       {run("postseal doctor --postconf /usr/sbin/postconf")});
    }
    check_clock(facts, report);
    check_shared_store(facts, report);
    check_trust_anchor(facts, report);
    check_validation(facts, report);
    return report.take();
}

} // namespace postseal::doctor
