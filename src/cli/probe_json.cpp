// SPDX-License-Identifier: BSD-3-Clause
#include "cli/probe_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iterator>
#include <string_view>

namespace postseal::cli {
namespace {

using namespace delivery;

std::string hex(std::string_view octets) {
    std::string out;
    for (const char c : octets)
        fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
    return out;
}

Json satisfaction_json(const Satisfaction& satisfaction) {
    return {{"satisfied", satisfaction.satisfied}, {"why", satisfaction.why}};
}

// Null where none is published.
Json dane_json(const Probed& probed, const MxHost& host, const Attempt& attempt) {
    using verdict::HostState;
    if (host.host.state == HostState::none || host.host.state == HostState::no_address)
        return nullptr;
    return satisfaction_json(delivery::dane(probed.destination, host, attempt));
}

Json certificate_json(const Certificate& certificate) {
    return {{"subject", certificate.subject},
            {"issuer", certificate.issuer},
            {"dns_names", certificate.dns_names},
            {"common_name", certificate.common_name},
            {"begins", rfc3339(certificate.begins)},
            {"ends", rfc3339(certificate.ends)},
            {"key", certificate.key},
            {"sha256", hex(certificate.associations.data[0][1])},
            {"key_sha256", hex(certificate.associations.data[1][1])}};
}

Json check_json(const TlsaCheck& check) {
    const bool matched = check.match.result == dane::RecordMatch::Result::matched;
    return {{"record", dane::to_string(check.record)},
            {"result", dane::to_string(check.match.result)},
            {"depth", matched ? Json(check.match.depth) : Json(nullptr)},
            {"reason", check.match.reason},
            {"fault", check.fault}};
}

Json tls_json(const std::optional<Tls>& tls) {
    if (!tls) return nullptr;
    Json chain = Json::array();
    for (const Certificate& certificate : tls->chain)
        chain.push_back(certificate_json(certificate));
    Json tlsa = Json::array();
    for (const TlsaCheck& check : tls->tlsa)
        tlsa.push_back(check_json(check));
    return {{"version", tls->version},   {"cipher", tls->cipher},
            {"old", tls->old},           {"server_name", tls->server_name},
            {"chain", std::move(chain)}, {"chain_fault", tls->chain_fault},
            {"tlsa", std::move(tlsa)}};
}

Json fault_json(const std::optional<Fault>& fault) {
    if (!fault) return nullptr;
    return {{"step", to_string(fault->step)}, {"late", fault->late}, {"reason", fault->reason}};
}

Json attempt_json(const Probed& probed, const MxHost& host, const Attempt& attempt) {
    Json took = Json::object();
    for (const Took& step : attempt.took)
        took[std::string(to_string(step.step))] = step.time.count();
    const Prediction prediction = predict(probed.destination, host, attempt, probed.orders);
    return {{"address", attempt.address},
            {"took_ms", std::move(took)},
            {"fault", fault_json(attempt.fault)},
            {"greeting", attempt.greeting},
            {"extensions", attempt.extensions},
            {"starttls", attempt.offers_starttls},
            {"starttls_refusal", attempt.starttls_refusal},
            {"slipped_in", attempt.slipped_in},
            {"tls", tls_json(attempt.tls)},
            {"dane", dane_json(probed, host, attempt)},
            {"mta_sts", probed.policy ? satisfaction_json(mta_sts(*probed.policy, host, attempt))
                                      : Json(nullptr)},
            {"postfix", {{"outcome", to_string(prediction.outcome)}, {"why", prediction.why}}}};
}

Json host_json(const Probed& probed, const MxHost& host) {
    Json addresses = Json::array();
    for (const Attempt& attempt : host.attempts)
        addresses.push_back(attempt_json(probed, host, attempt));
    return {{"name", host.host.name.name()},
            {"preference", host.host.preference},
            {"state", std::string(1, verdict::letter(host.host.state))},
            {"tlsa_name", host.host.tlsa_name},
            {"reason", host.host.reason},
            {"no_address", host.no_address},
            {"addresses", std::move(addresses)},
            {"addresses_beyond", host.addresses_beyond}};
}

Json policy_json(const std::optional<mtasts::Policy>& policy) {
    if (!policy) return nullptr;
    Json mx = Json::array();
    for (const mtasts::MxPattern& pattern : policy->mx)
        mx.push_back(pattern.text());
    return {{"mode", mtasts::to_string(policy->mode)}, {"mx", std::move(mx)}};
}

} // namespace

Json probe_json(const Probed& probed) {
    const Destination& destination = probed.destination;
    Json hosts = Json::array();
    for (const MxHost& host : destination.hosts)
        hosts.push_back(host_json(probed, host));
    const MessageOutcome end = message_outcome(destination, probed.orders);
    return {{"key", destination.nexthop.key()},
            {"verdict", {{"text", brief(probed.verdict)}, {"row", probed.verdict.row}}},
            {"postfix", probed.postfix},
            {"table", probed.by},
            {"map", probed.map ? Json(*probed.map) : Json(nullptr)},
            {"level", probed.orders.policy.level},
            {"defer", probed.orders.defer},
            {"mx",
             {{"state", verdict::to_string(destination.mx)},
              {"reason", destination.mx_reason},
              {"canonical_name", destination.canonical_name}}},
            {"mta_sts", policy_json(probed.policy)},
            {"mta_sts_fault", probed.sts_fault},
            {"name_servers", probed.name_servers},
            {"differences", probed.differences},
            {"hosts", std::move(hosts)},
            {"outcome", {{"kind", to_string(end.kind)}, {"host", end.host}, {"why", end.why}}},
            {"seems_blocked", seems_blocked(destination)}};
}

} // namespace postseal::cli
