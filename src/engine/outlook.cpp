// SPDX-License-Identifier: BSD-3-Clause
#include "engine/outlook.h"

#include "engine/deferral.h"
#include "postseal/verdict/findings.h"
#include "postseal/verdict/postfix_policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace postseal::engine {
namespace {

using verdict::Cause;
using verdict::Class;
using verdict::MxState;

constexpr std::string_view configuration_problem = "client TLS configuration problem";

std::string again(std::string_view key) {
    // Not "postqueue -s": it takes the sites of fast_flush_domains only.
    return fmt::format("then: postseal refresh {}; postqueue -f", quoted_key(key));
}

std::string deferred_text(const Deferral& deferred) {
    return fmt::format("{}; in the log: {}", configuration_problem, deferred.reason);
}

Outlook deferred_by_all(const Deferral& deferred, std::string_view key) {
    return {.mail = fmt::format("deferred: {}", deferred_text(deferred)),
            .next = fix_of(deferred.cause, key)};
}

// Postfix looks for hosts before it asks for a policy: what it does where there is none, whatever
// the verdict.
std::optional<Outlook> without_hosts(const verdict::Evidence& evidence) {
    if (evidence.nexthop.is_address) return std::nullopt;
    if (evidence.override_ && !evidence.override_->needs_lookup()) return std::nullopt;
    const verdict::Mx& mx = evidence.mx;
    switch (mx.state) {
    case MxState::nxdomain:
        return Outlook{.mail = "bounced: Host or domain name not found",
                       .next = "correct the address: the domain does not exist"};
    case MxState::null_mx:
        return Outlook{.mail = "bounced: Domain does not accept mail (nullMX)",
                       .next = "correct the address: the domain says that it takes no mail"};
    case MxState::bogus:
    case MxState::failed:
        return std::nullopt;
    case MxState::secure:
    case MxState::insecure:
        break;
    }
    const bool no_address = std::ranges::all_of(mx.hosts, [](const verdict::Host& host) {
        return host.state == verdict::HostState::no_address;
    });
    if (mx.pending || !no_address || mx.beyond > 0 || mx.addresses > 0) return std::nullopt;
    return Outlook{
        .mail = "bounced: no MX host of the domain has an address (Host or domain name not found)",
        .next = "the domain's operator must give its MX hosts addresses"};
}

// Nor does it ask where its own resolver refuses the MX records.
Outlook refused_by_resolver(Outlook other, const Answer& answer) {
    const bool validates = answer.maps->verdicts().front().postfix_dnssec;
    if (answer.evidence.mx.state != MxState::bogus || !validates) return other;
    other.mail = fmt::format("deferred: Host or domain name not found. Name service error for "
                             "name={} type=MX: Host not found, try again; where Postfix's resolver "
                             "does not validate, {}",
                             answer.evidence.nexthop.domain.name(), other.mail);
    return other;
}

Outlook of_dane(const verdict::Verdict& verdict, std::string_view key) {
    const bool only = verdict.level == verdict::Level::dane_only;
    return {.mail = only ? "sent if a host's certificate matches its TLSA records, which was not "
                           "tried here; else deferred: Server certificate not trusted"
                         : "sent if a host's certificate matches its usable TLSA records; where "
                           "none is usable, encrypted without authentication; else deferred: "
                           "Server certificate not trusted",
            .next = fmt::format("postseal probe {}", quoted_key(key))};
}

// Postfix's match=.example.com has no depth, "*.example.com" of a policy is one label (RFC 8461
// section 4.1).
bool fits_by_depth(const verdict::Evidence& evidence) {
    return std::ranges::any_of(evidence.mx.hosts, [&](const verdict::Host& host) {
        return std::ranges::any_of(evidence.sts.policy->mx, [&](const mtasts::MxPattern& pattern) {
            const std::string text = pattern.text();
            return text.starts_with("*.") && host.name.name().ends_with(text.substr(1));
        });
    });
}

// Of a policy that matches none of the MX hosts; which Postfix then goes by what.
std::string unfitting(const verdict::Evidence& evidence, const verdict::Finding& finding) {
    if (fits_by_depth(evidence))
        return fmt::format("sent if a host's certificate is for its name, though {}; by a Postfix "
                           "that checks the policy's mx (3.10.5 and later, map tlsrpt) deferred: "
                           "does not match STS MX pattern",
                           finding.text);
    return fmt::format("deferred: {}; in Postfix's log: Server certificate not verified, or does "
                       "not match STS MX pattern",
                       finding.text);
}

Outlook enforced(const verdict::Evidence& evidence, std::string_view key) {
    for (const verdict::Finding& finding : verdict::findings(evidence, evidence.obtained_at))
        if (finding.code == verdict::FindingCode::policy_fits_none)
            return {.mail = unfitting(evidence, finding),
                    .next = fmt::format("{}; then: postseal refresh {}; postqueue -f", finding.fix,
                                        quoted_key(key))};
    return {.mail =
                "sent if an MX host of the policy shows a certificate by a known authority for its "
                "name, which was not tried here; else deferred: Server certificate not verified",
            .next = fmt::format("postseal probe {}", quoted_key(key))};
}

Outlook by_override(const verdict::Verdict& verdict, std::string_view key, bool is_address) {
    std::string next = "postseal overrides list";
    if (!is_address) next += fmt::format("; postseal probe {}", quoted_key(key));
    std::string mail = fmt::format("sent at \"{}\", as the override says", verdict.override_text);
    if (const auto read = verdict::read_override(verdict.override_text);
        read && verdict::protects(*read))
        mail += "; deferred where a host does not reach that level";
    return {.mail = std::move(mail), .next = std::move(next)};
}

Outlook unpromised(const Answer& answer, std::string_view key) {
    if (answer.evidence.nexthop.is_address) return outlook_no_nexthop(key);
    return {.mail =
                "sent as main.cf's smtp_tls_security_level says: the domain promises nothing that "
                "is enforced",
            .next = fmt::format("nothing to do; to demand more: postseal overrides set {} encrypt",
                                quoted_key(key))};
}

Outlook undeferred(const Answer& answer, std::string_view key) {
    switch (answer.verdict.cls) {
    case Class::dane:
        return of_dane(answer.verdict, key);
    case Class::enforce:
        return enforced(answer.evidence, key);
    case Class::override_:
        return by_override(answer.verdict, key, answer.evidence.nexthop.is_address);
    case Class::tempfail: // by [verdict], which no map goes by
    case Class::may:
        break;
    }
    return unpromised(answer, key);
}

} // namespace

Outlook outlook_no_nexthop(std::string_view key) {
    Outlook out{.mail = "sent as main.cf's smtp_tls_security_level says: there is no domain that "
                        "could promise anything",
                .next = "nothing to do"};
    if (const auto address = Nexthop::parse_address(key))
        out.next += fmt::format("; to demand more: postseal overrides set {} encrypt",
                                quoted_key(address->key()));
    return out;
}

std::string quoted_key(std::string_view key) {
    return key.contains('[') ? fmt::format("'{}'", key) : std::string(key);
}

std::string fix_of(Cause cause, std::string_view key) {
    const std::string quoted = quoted_key(key);
    switch (cause) {
    case Cause::mx_bogus:
    case Cause::host_bogus:
        return fmt::format("the domain's operator must fix its DNSSEC; {}", again(key));
    case Cause::none:
    case Cause::mx_failed:
    case Cause::host_failed:
        return fmt::format("postseal doctor, which says whether our own DNS works; if it does, the "
                           "domain's operator must fix the name servers; {}",
                           again(key));
    case Cause::too_many_hosts:
        return fmt::format("the domain's operator must have at most {} MX hosts; or: postseal "
                           "overrides set {} POLICY",
                           verdict::max_hosts, quoted);
    case Cause::nothing_promised:
        return fmt::format("postseal overrides set {} POLICY, for it alone{}", quoted,
                           Nexthop::parse_address(key)
                               ? ": an address promises nothing"
                               : "; or wait until the domain promises something");
    case Cause::policy_unread:
        return "postseal stats, postseal doctor: postseald cannot read its database";
    case Cause::policy_untried:
    case Cause::busy:
        return "nothing to do: postseald is busy and asks by itself when it is its turn; "
               "limits.lookups sets how many";
    case Cause::fits_no_host:
    case Cause::no_usable_mx:
        return fmt::format("the domain's operator must correct its policy or its MX records; {}",
                           again(key));
    case Cause::reply_too_long:
        return "ask by socketmap, which has longer replies: postseal doctor";
    case Cause::defect:
        return "postseald's log has the cause: a defect of postseal";
    }
    return {};
}

Outlook outlook(const Answer& answer) {
    const std::string key = answer.evidence.nexthop.key();
    if (auto bounced = without_hosts(answer.evidence)) return *std::move(bounced);
    const Deferral deferred = deferral(answer);
    if (deferred.all) return refused_by_resolver(deferred_by_all(deferred, key), answer);
    Outlook out = undeferred(answer, key);
    if (!deferred) return refused_by_resolver(std::move(out), answer);
    out.mail += fmt::format("; by map{} {} deferred: {}", deferred.maps.size() == 1 ? "" : "s",
                            fmt::join(deferred.maps, ", "), deferred_text(deferred));
    out.next += "; or " + fix_of(deferred.cause, key);
    return refused_by_resolver(std::move(out), answer);
}

} // namespace postseal::engine
