// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/delivery/predict.h"

#include "demand.h"
#include "postseal/base/names.h"
#include "postseal/delivery/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace postseal::delivery {
namespace {

using Kind = Demand::Kind;
using Result = dane::RecordMatch::Result;
using verdict::HostState;

constexpr int trust_anchor = 2;

bool is_for_any(const Certificate& certificate, const std::vector<std::string>& names) {
    return std::ranges::any_of(names,
                               [&](const std::string& name) { return is_for(certificate, name); });
}

std::string no_tls(const Attempt& attempt) {
    if (!attempt.offers_starttls) return "STARTTLS is not offered";
    if (!attempt.starttls_refusal.empty())
        return "STARTTLS is refused: " + attempt.starttls_refusal;
    if (attempt.tls) return fmt::format("{} only, which is too old", attempt.tls->version);
    return attempt.fault ? attempt.fault->reason : "no TLS";
}

// What OpenSSL's security level 1 lets pass, which Postfix sets where it authenticates.
const Tls* good_tls(const Attempt& attempt) {
    return attempt.tls && !attempt.tls->old ? &*attempt.tls : nullptr;
}

// RFC 8461 section 4.1 of the certificate; RFC 6125.
Satisfaction names_satisfied(const Tls& tls, const std::vector<std::string>& names) {
    if (!tls.chain_fault.empty()) return {.satisfied = false, .why = tls.chain_fault};
    const Certificate& own = tls.chain.front();
    if (is_for_any(own, names)) return {.satisfied = true, .why = "the certificate is right"};
    return {.satisfied = false, .why = "the certificate is for " + names_of(own)};
}

// Where the certificate is right for its host, it is the policy that does not name the host.
Satisfaction policy_names_satisfied(const Tls& tls, const std::vector<std::string>& names,
                                    const std::string& host) {
    Satisfaction out = names_satisfied(tls, names);
    if (out.satisfied || !tls.chain_fault.empty() || !is_for(tls.chain.front(), host)) return out;
    out.why = fmt::format(
        "{} is not a host that the policy names ({}), though its certificate is right for it", host,
        fmt::join(names, ", "));
    return out;
}

// RFC 7671 sections 5.1 (usage 3: neither names nor dates) and 5.2 (usage 2).
Satisfaction held_against(const TlsaCheck& check, const Tls& tls,
                          const std::vector<std::string>& names) {
    const std::string record = dane::to_string(check.record);
    if (check.record.usage != trust_anchor)
        return {.satisfied = true, .why = fmt::format("TLSA {} matches", record)};
    if (!check.fault.empty())
        return {.satisfied = false,
                .why = fmt::format("TLSA {} matches, but {}", record, check.fault)};
    if (!is_for_any(tls.chain.front(), names))
        return {.satisfied = false,
                .why = fmt::format("TLSA {} matches, but the certificate is for {}", record,
                                   names_of(tls.chain.front()))};
    return {.satisfied = true, .why = fmt::format("TLSA {} matches", record)};
}

Satisfaction tlsa_satisfied(const Tls& tls, const std::vector<std::string>& names) {
    Satisfaction best{.satisfied = false, .why = "no TLSA record matches the certificate"};
    for (const TlsaCheck& check : tls.tlsa) {
        if (check.match.result != Result::matched) continue;
        best = held_against(check, tls, names);
        if (best.satisfied) break;
    }
    return best;
}

Prediction without_tls(Kind demanded, const Attempt& attempt) {
    const std::string why = no_tls(attempt);
    const bool tried = attempt.offers_starttls && attempt.starttls_refusal.empty();
    if (demanded != Kind::opportunistic)
        return {.outcome = Outcome::refused, .why = "TLS is required, but " + why};
    if (!tried) return {.outcome = Outcome::clear, .why = why};
    // smtp_proto.c: in the clear once the message is older than minimal_backoff_time.
    return {.outcome = Outcome::refused,
            .why = why + "; a message that has waited 5 minutes goes in the clear"};
}

Prediction authenticated(const Satisfaction& by, const Destination& destination, Kind demanded) {
    if (!by.satisfied) return {.outcome = Outcome::refused, .why = by.why};
    if (demanded == Kind::dane && destination.mx == verdict::MxState::insecure)
        return {.outcome = Outcome::encrypted,
                .why = by.why + ", but the MX RRset that named the host is not signed"};
    return {.outcome = Outcome::sealed, .why = by.why};
}

} // namespace

Smtp smtp_with(verdict::DefaultLevel level) {
    // smtp_tls_dane_insecure_mx_policy is dane if main.cf's level is, else may.
    return {.level = std::string(verdict::to_string(level)),
            .dane_by_insecure_mx = level == verdict::DefaultLevel::dane,
            .no_tls = {}};
}

Orders orders(const verdict::Reply& reply, verdict::Form form, Smtp smtp) {
    Orders out{.policy = {}, .defer = {}, .smtp = std::move(smtp)};
    out.policy.level = out.smtp.level;
    if (reply.kind == verdict::Reply::Kind::temp) out.defer = reply.text;
    if (reply.kind != verdict::Reply::Kind::ok) return out;
    auto policy = verdict::read_postfix_policy(reply.text, form);
    if (policy)
        out.policy = std::move(*policy);
    else
        out.defer = "Postfix does not read this policy: " + policy.error();
    return out;
}

constexpr auto outcome_names = names_for<Outcome>({
    {Outcome::sealed, "sealed"},
    {Outcome::encrypted, "encrypted"},
    {Outcome::clear, "clear"},
    {Outcome::refused, "refused"},
    {Outcome::unreachable, "unreachable"},
    {Outcome::unknown, "unknown"},
});
std::string_view to_string(Outcome outcome) { return outcome_names[outcome]; }

bool delivers(Outcome outcome) {
    return outcome == Outcome::sealed || outcome == Outcome::encrypted || outcome == Outcome::clear;
}

Prediction predict(const Destination& destination, const MxHost& host, const Attempt& attempt,
                   const Orders& orders) {
    const Demand demand = demand_of(destination, host.host, orders);
    if (demand.kind == Kind::impossible) return {.outcome = Outcome::refused, .why = demand.why};
    if (!attempt.answered()) return {.outcome = Outcome::unreachable, .why = attempt.fault->reason};
    if (!orders.smtp.no_tls.empty() && demand.kind != Kind::clear_text)
        return demand.kind == Kind::opportunistic
                   ? Prediction{.outcome = Outcome::clear, .why = orders.smtp.no_tls}
                   : Prediction{.outcome = Outcome::refused,
                                .why = "TLS is required, but " + orders.smtp.no_tls};
    if (demand.kind == Kind::unknown) return {.outcome = Outcome::unknown, .why = demand.why};
    if (demand.kind == Kind::clear_text)
        return {.outcome = Outcome::clear, .why = "the policy's level is none"};
    const bool authenticates = demand.kind == Kind::dane || demand.kind == Kind::names;
    if (!authenticates && attempt.tls)
        return {.outcome = Outcome::encrypted,
                .why = demand.why.empty() ? "nothing says who the host must be" : demand.why};
    const Tls* tls = good_tls(attempt);
    if (tls == nullptr) return without_tls(demand.kind, attempt);
    return authenticated(demand.kind == Kind::dane
                             ? tlsa_satisfied(*tls, demand.names)
                             : policy_names_satisfied(*tls, demand.names, host.host.name.name()),
                         destination, demand.kind);
}

Satisfaction dane(const Destination& destination, const MxHost& host, const Attempt& attempt) {
    if (host.host.state != HostState::usable) return {.satisfied = false, .why = host.host.reason};
    const Tls* tls = good_tls(attempt);
    if (tls == nullptr) return {.satisfied = false, .why = no_tls(attempt)};
    return tlsa_satisfied(*tls, dane_names(destination, host.host));
}

Satisfaction mta_sts(const mtasts::Policy& policy, const MxHost& host, const Attempt& attempt) {
    if (!mtasts::matches(policy, host.host.name))
        return {.satisfied = false,
                .why = fmt::format("{} matches no mx of the policy", host.host.name.name())};
    const Tls* tls = good_tls(attempt);
    if (tls == nullptr) return {.satisfied = false, .why = no_tls(attempt)};
    return names_satisfied(*tls, {host.host.name.name()});
}

std::string server_name(const Destination& destination, const verdict::Host& host,
                        const Orders& orders) {
    const bool dane = demand_of(destination, host, orders).kind == Kind::dane;
    return dane ? tlsa_base(host) : host.name.name();
}

} // namespace postseal::delivery
