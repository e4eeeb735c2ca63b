// SPDX-License-Identifier: BSD-3-Clause
#include "checks.h"

#include <fmt/format.h>

namespace postseal::doctor {
namespace {

using namespace std::chrono_literals;

std::vector<Fix> validating_resolver(const Facts& facts) {
    return {run("apt install unbound"), Fix{facts.resolv_conf, "", "nameserver 127.0.0.1"}};
}

void check_signature(const Facts& facts, const Signature& root, const std::vector<Fix>& fix,
                     Report& report) {
    if (facts.now < root.inception || facts.now > root.expiration)
        report.problem("clock",
                       fmt::format("the clock says {}, but the root is signed from {} to {}",
                                   rfc3339(facts.now), rfc3339(root.inception),
                                   rfc3339(root.expiration)),
                       "with a wrong clock every signed domain is bogus and policies end too early "
                       "or too late",
                       fix);
    else
        report.ok("clock", fmt::format("{} is within the root's signature", rfc3339(facts.now)));
}

} // namespace

void check_name_servers(const Facts& facts, Report& report) {
    const bool wanted = in_force(facts).postfix_dnssec;
    if (facts.resolv_conf_missing) {
        const bool in_queue = facts.resolv_conf != "/etc/resolv.conf";
        report.problem(
            "resolver",
            fmt::format("{} is missing{}", facts.resolv_conf,
                        in_queue ? ": start Postfix, which copies it there" : ""),
            "smtp(8) then asks a name server of this machine, whether there is one or not",
            in_queue ? std::vector<Fix>{run("systemctl restart postfix")}
                     : validating_resolver(facts));
        return;
    }
    bool all_validate = !facts.name_servers.empty();
    for (const NameServer& server : facts.name_servers) {
        const std::string who = fmt::format("{} of {}", server.address, facts.resolv_conf);
        all_validate = all_validate && server.fault.empty() && server.ad;
        if (!wanted) continue;
        if (!server.fault.empty())
            report.problem("resolver", fmt::format("{}: {}", who, server.fault),
                           "Postfix cannot ask it whether a name is signed",
                           validating_resolver(facts));
        else if (!server.ad)
            report.problem("resolver",
                           fmt::format("{} does not validate: no AD bit for the signed root", who),
                           "to Postfix no domain is signed: dane-only is deferred, dane becomes "
                           "may; put a validating resolver in its place, or set postfix_dnssec = "
                           "false",
                           validating_resolver(facts));
        else
            report.ok("resolver", fmt::format("{} validates", who));
    }
    if (!wanted && all_validate)
        report.warning(
            "resolver", "verdict.postfix_dnssec is false, but the resolver of Postfix validates",
            "DANE is not used, although it could be",
            {configure(facts, "[verdict]", "postfix_dnssec = true"), run("postseal reload")});
}

void check_unasked_zones(const Facts& facts, Report& report) {
    for (const UnaskedZone& zone : facts.unasked_zones) {
        const std::string line = private_name_servers({zone}, facts.private_name_servers);
        report.warning("name-servers", zone.text(),
                       "anybody's records may lead to such an address, so only servers that you "
                       "name are asked there; lookups in this zone fail",
                       {configure(facts, "[dns]", line), run("postseal reload")});
    }
}

void check_clock(const Facts& facts, Report& report) {
    const std::vector<Fix> fix{run("timedatectl set-ntp true")};
    for (const NameServer& server : facts.name_servers)
        if (server.signature) {
            check_signature(facts, *server.signature, fix, report);
            break;
        }
    if (facts.store_written && *facts.store_written > facts.now + 60s)
        report.problem("clock",
                       fmt::format("the clock says {}, but the database was written at {}",
                                   rfc3339(facts.now), rfc3339(*facts.store_written)),
                       "the clock is wrong now, or was wrong then", fix);
}

} // namespace postseal::doctor
