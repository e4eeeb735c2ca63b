// SPDX-License-Identifier: BSD-3-Clause
#include "engine/outlook.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <string_view>

namespace postseal::engine {
namespace {

constexpr std::string_view configuration_problem = "client TLS configuration problem";

// What maps say for smtp_tls_policy_maps: how many defer, and the reason of the first.
struct Deferring {
    std::size_t maps = 0;
    std::size_t all = 0;
    std::string map;
    std::string reason;
};

Deferring deferring(const Json& explain) {
    Deferring out;
    if (!explain.contains("replies")) return out;
    for (const auto& [map, reply] : explain["replies"].items()) {
        if (map == "requiretls") continue;
        out.all++;
        if (text_of(reply, "kind") != "temp") continue;
        if (out.maps++ > 0) continue;
        out.map = map;
        out.reason = text_of(reply, "text");
    }
    return out;
}

std::string quoted_key(const std::string& key) {
    return key.contains('[') ? fmt::format("'{}'", key) : key;
}

Outlook deferred(const Json& explain, const std::string& key) {
    const std::string reason = deferring(explain).reason;
    Outlook out{.mail = fmt::format("deferred: {}{}{}", configuration_problem,
                                    reason.empty() ? "" : "; in the log: ", reason),
                .next = {}};
    const std::string again =
        fmt::format("postseal refresh {0}; postqueue -s {0}", quoted_key(key));
    if (reason.starts_with("override sealed"))
        out.next = fmt::format("change the override of {} (postseal overrides set {} POLICY), or "
                               "wait until the domain promises something",
                               key, quoted_key(key));
    else if (reason.contains("the policy that may be stored is not known"))
        out.next = "postseal stats, postseal doctor: postseald cannot read its database";
    else if (reason.contains("has not been asked yet") || reason.contains("limits.lookups"))
        out.next = "nothing to do: postseald is busy and asks by itself when it is its turn; "
                   "limits.lookups sets how many";
    else if (reason.contains("does not fit into a reply"))
        out.next = "ask by socketmap, which has longer replies: postseal doctor";
    else if (reason.contains("could not write"))
        out.next = "postseald's log has the cause: a defect of postseal";
    else if (reason.contains("MTA-STS policy"))
        out.next = fmt::format("the domain's operator must correct its policy or its MX records; "
                               "then: {}",
                               again);
    else if (reason.contains("is bogus"))
        out.next = fmt::format("the domain's operator must put its DNSSEC right; then: {}", again);
    else
        out.next = fmt::format("postseal doctor, which says whether our own DNS works; if it does, "
                               "the domain's operator must put the name servers right; then: {}",
                               again);
    return out;
}

Outlook of_dane(const Json& verdict, const std::string& key) {
    const bool only = text_of(verdict, "level") == "dane-only";
    return {.mail =
                only ? "sent if a host's certificate fits its TLSA records, which was not tried "
                       "here; else deferred: Server certificate not trusted"
                     : "sent if a host's certificate fits its usable TLSA records; where none is "
                       "usable, encrypted without authentication; else deferred: Server "
                       "certificate not trusted",
            .next = fmt::format("postseal probe {}", quoted_key(key))};
}

Outlook enforced(const Json& explain, const std::string& key) {
    const Deferring some = deferring(explain);
    if (some.maps > 0 && some.maps == some.all) return deferred(explain, key);
    Outlook out{
        .mail = "sent if an MX host of the policy shows a certificate by a known authority for its "
                "name, which was not tried here; else deferred: Server certificate not verified",
        .next = fmt::format("postseal probe {}", quoted_key(key))};
    if (some.maps > 0) out.mail += fmt::format("; by map {} deferred: {}", some.map, some.reason);
    return out;
}

Outlook by_override(const Json& explain, const std::string& key) {
    std::string policy;
    if (explain.contains("replies"))
        for (const auto& [map, reply] : explain["replies"].items())
            if (policy.empty() && map != "requiretls") policy = text_of(reply, "text");
    return {.mail =
                fmt::format("sent at \"{}\", as the override says; deferred where a host does not "
                            "reach that level",
                            policy),
            .next = fmt::format("postseal overrides list; postseal probe {}", quoted_key(key))};
}

int verdict_row(const Json& explain) { return explain["verdict"].value("row", 0); }

Outlook unpromised(const Json& explain, const std::string& key) {
    const std::string mx = explain.contains("mx") ? text_of(explain["mx"], "state") : "";
    if (mx == "NXDOMAIN")
        return {.mail = "bounced: Host or domain name not found",
                .next = "correct the address: the domain does not exist"};
    if (mx == "null MX")
        return {.mail = "bounced: Domain does not accept mail (nullMX)",
                .next = "correct the address: the domain says that it takes no mail"};
    if (verdict_row(explain) == 2)
        return {.mail = "bounced: no MX host of the domain has an address (Host or domain name not "
                        "found)",
                .next = "the domain's operator must give its MX hosts addresses"};
    if (verdict_row(explain) == 0)
        return {.mail =
                    "sent as main.cf's smtp_tls_security_level says: there is no domain that could "
                    "promise anything",
                .next = "nothing to do; to demand more, name it in a table before postseald in "
                        "smtp_tls_policy_maps"};
    return {.mail =
                "sent as main.cf's smtp_tls_security_level says: the domain promises nothing that "
                "is enforced",
            .next = fmt::format("nothing to do; to demand more: postseal overrides set {} encrypt",
                                quoted_key(key))};
}

} // namespace

Outlook outlook(const Json& explain) {
    const Json& verdict = explain["verdict"];
    const std::string key = text_of(explain, "key");
    const std::string cls = text_of(verdict, "class");
    if (cls == "tempfail") return deferred(explain, key);
    if (cls == "dane") return of_dane(verdict, key);
    if (cls == "enforce") return enforced(explain, key);
    if (cls == "override") return by_override(explain, key);
    return unpromised(explain, key);
}

} // namespace postseal::engine
