// SPDX-License-Identifier: BSD-3-Clause
#include "engine/explain.h"

#include "engine/deferral.h"
#include "engine/findings.h"
#include "engine/outlook.h"

#include "postseal/base/text.h"
#include "postseal/verdict/findings.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace postseal::engine {
namespace {

Json with_outlook(Json explained, Outlook what) {
    explained["mail"] = std::move(what.mail);
    explained["next"] = std::move(what.next);
    return explained;
}

Json host_json(const verdict::Host& host) {
    Json tlsa = Json::array();
    for (const dane::Tlsa& record : host.tlsa)
        tlsa.push_back(dane::to_string(record));
    return {{"name", host.name.name()},
            {"preference", host.preference},
            {"state", std::string(1, verdict::letter(host.state))},
            {"meaning", verdict::to_string(host.state)},
            {"address_secure", host.address_secure},
            {"tlsa_name", host.tlsa_name},
            {"tlsa", std::move(tlsa)},
            {"reason", host.reason}};
}

Json mx_json(const verdict::Mx& mx, bool literal_host) {
    Json hosts = Json::array();
    for (const verdict::Host& host : mx.hosts)
        hosts.push_back(host_json(host));
    return {{"state", verdict::to_string(mx.state)},
            {"literal_host", literal_host},
            {"implicit", mx.implicit},
            {"canonical_name", mx.canonical_name},
            {"reason", mx.reason},
            {"ttl_s", mx.ttl.count()},
            {"hosts", std::move(hosts)},
            {"beyond", mx.beyond},
            {"addresses", mx.addresses}};
}

Json policy_json(const verdict::Sts& sts) {
    if (!sts.policy) return nullptr;
    Json mx = Json::array();
    for (const mtasts::MxPattern& pattern : sts.policy->mx)
        mx.push_back(pattern.text());
    return {{"mode", mtasts::to_string(sts.policy->mode)},
            {"mx", std::move(mx)},
            {"mx_without_host", sts.policy->mx_without_host},
            {"mx_converted", sts.policy->mx_converted},
            {"max_age_s", sts.policy->max_age.count()},
            {"id", sts.policy_id},
            {"fetched_at", rfc3339(sts.fetched_at)},
            {"expires_at", rfc3339(sts.expires_at)}};
}

Json sts_json(const verdict::Sts& sts) {
    return {{"record", verdict::to_string(sts.record)},
            {"record_id", sts.record_id},
            {"record_reason", sts.record_reason},
            {"fetch", verdict::to_string(sts.fetch)},
            {"fetch_fault", sts.fetch_fault},
            {"fetch_reason", sts.fetch_reason},
            {"fetch_note", sts.fetch_note},
            {"retry_at", sts.retry_at ? Json(rfc3339(*sts.retry_at)) : Json(nullptr)},
            {"policy", policy_json(sts)}};
}

Json verdict_json(const verdict::Verdict& verdict) {
    return {{"class", verdict::to_string(verdict.cls)},
            {"level", verdict::to_string(verdict.level)},
            {"row", verdict.row},
            {"reasons", verdict.reasons}};
}

const char* kind_text(verdict::Reply::Kind kind) {
    switch (kind) {
    case verdict::Reply::Kind::ok:
        return "ok";
    case verdict::Reply::Kind::not_found:
        return "not-found";
    case verdict::Reply::Kind::temp:
        return "temp";
    }
    return "";
}

Json override_json(const Overrides::Keyed& keyed) {
    const auto& [key, entry] = keyed;
    return {{"key", key},
            {"policy", to_string(entry.says)},
            {"file", entry.file},
            {"line", entry.line},
            {"until", entry.until ? Json(until_text(*entry.until)) : Json(nullptr)},
            {"comment", entry.comment}};
}

// `written`: one a variant.
Json replies_json(const Maps& maps, const std::vector<verdict::Reply>& written) {
    Json replies = Json::object();
    for (const auto& [name, variant] : maps.all())
        replies[name] = {{"kind", kind_text(written[variant].kind)},
                         {"text", written[variant].text}};
    return replies;
}

} // namespace

Json explain(const Answer& answer, const Maps& maps, const Overrides& overrides, WallTime now) {
    const verdict::Evidence& evidence = answer.evidence;
    Json out = {{"key", evidence.nexthop.key()}, {"verdict", verdict_json(answer.verdict)}};
    if (evidence.override_)
        if (const auto* entry = overrides.find_entry(evidence.nexthop, now, false);
            entry != nullptr && entry->second.says == *evidence.override_)
            out["override"] = override_json(*entry);
    const bool looked_up = !evidence.override_ || evidence.override_->needs_lookup();
    if (looked_up && !evidence.nexthop.is_address) {
        out["mx"] = mx_json(evidence.mx, evidence.nexthop.literal_host);
        out["mta_sts"] = sts_json(evidence.sts);
        out["remembered"] = verdict::to_string(evidence.remembered);
    }
    for (const verdict::Finding& finding : verdict::findings(evidence, now))
        out["findings"].push_back(finding_json(finding));
    if (const Deferral deferred = deferral(answer))
        out["deferred"] = {{"cause", verdict::to_string(deferred.cause)},
                           {"reason", deferred.reason},
                           {"maps", deferred.maps}};
    out["obtained_at"] = rfc3339(evidence.obtained_at);
    out["holds_s"] = std::chrono::duration_cast<seconds>(answer.holds).count();
    out["partial"] = evidence.partial;
    out["replies"] = replies_json(maps, answer.written);
    if (const auto variant = maps.delegation()) out["delegation"] = answer.written[*variant].text;
    return with_outlook(std::move(out), outlook(answer));
}

Json explain_no_nexthop(std::string_view key, const NexthopError& error, const Maps& maps) {
    const std::string reason =
        fmt::format("not a destination that can have a policy: {}", error.text);
    Json out = {{"key", printable(key)},
                {"verdict", {{"class", "may"}, {"level", "-"}, {"row", 0}, {"reasons", {reason}}}},
                {"replies", replies_json(maps, maps.no_nexthop())}};
    return with_outlook(std::move(out), outlook_no_nexthop(key));
}

} // namespace postseal::engine
