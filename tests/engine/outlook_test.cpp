// SPDX-License-Identifier: BSD-3-Clause
#include "engine/outlook.h"

#include "engine/deferral.h"
#include "engine/explain.h"
#include "engine/findings.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <utility>

using namespace postseal;
using engine::Outlook;
using engine::outlook;
using verdict::Cause;

namespace {

constexpr WallTime noon{std::chrono::hours(12)};

config::Map map(std::string name, verdict::Form form,
                verdict::Match match = verdict::Match::patterns) {
    return {.name = std::move(name), .reply = {.form = form, .match = match}, .verdict = {}};
}

verdict::Evidence evidence(verdict::MxState mx, std::string key = "example.com") {
    verdict::Evidence out{.nexthop = *Nexthop::parse(key), .obtained_at = noon};
    out.mx.state = mx;
    out.sts.record = verdict::RecordState::absent;
    return out;
}

verdict::Host host(std::string_view name, verdict::HostState state) {
    return {
        .name = *Domain::parse(name), .state = state, .tlsa_name = {}, .tlsa = {}, .reason = {}};
}

void enforce(verdict::Evidence& evidence, const std::string& mx) {
    evidence.sts.policy =
        *mtasts::parse_policy("version: STSv1\nmode: enforce\nmax_age: 86400\nmx: " + mx + "\n");
    evidence.sts.expires_at = noon + std::chrono::hours(1);
}

// As the engine writes it.
engine::Answer answer(const verdict::Evidence& evidence,
                      const config::Config& config = *config::parse("", "f")) {
    auto maps = std::make_shared<const engine::Maps>(config);
    engine::Answer out{.evidence = evidence,
                       .verdict = verdict::decide(evidence, maps->verdicts().front(), noon),
                       .maps = maps,
                       .written = {}};
    for (const engine::Variant& variant : maps->variants())
        out.written.push_back(
            verdict::render(verdict::decide(evidence, maps->verdicts()[variant.verdict], noon),
                            evidence, variant.reply));
    return out;
}

verdict::Evidence overridden_by(const std::string& policy) {
    verdict::Evidence out = evidence(verdict::MxState::insecure);
    out.override_ = verdict::Override{.policy = policy};
    return out;
}

Outlook of(verdict::Evidence evidence) { return outlook(answer(std::move(evidence))); }

config::Config with_maps(std::vector<config::Map> maps) {
    config::Config out;
    out.maps = std::move(maps);
    return out;
}

} // namespace

TEST_CASE("engine/outlook: a policy that fits no MX host defers, as its finding says") {
    verdict::Evidence evidence_ = evidence(verdict::MxState::insecure);
    evidence_.mx.hosts = {host("mx.example.com", verdict::HostState::none)};
    enforce(evidence_, "mx.example.net");
    const Outlook out = of(evidence_);
    CHECK(
        out.mail.starts_with("deferred: the MTA-STS policy matches none of the MX hosts: "
                             "mx.example.com; in Postfix's log: Server certificate not verified"));
    CHECK(out.mail.ends_with(", or does not match STS MX pattern"));
    CHECK(out.next == "the operator of example.com adds \"mx: mx.example.com\" to the policy, and "
                      "gives its record a new id; or corrects the MX records; then: postseal "
                      "refresh example.com; postqueue -f");
}

TEST_CASE(
    "engine/outlook: a wildcard has one label in a policy and any number in Postfix's match") {
    verdict::Evidence evidence_ = evidence(verdict::MxState::insecure);
    evidence_.mx.hosts = {host("deep.a.in.example.com", verdict::HostState::none)};
    enforce(evidence_, "*.in.example.com");
    CHECK(of(evidence_).mail ==
          "sent if a host's certificate is for its name, though the MTA-STS policy matches none of "
          "the MX hosts: deep.a.in.example.com; by a Postfix that checks the policy's mx (3.10.5 "
          "and later, map tlsrpt) deferred: does not match STS MX pattern");
    enforce(evidence_, "*.n.example.com");
    CHECK(of(evidence_).mail.starts_with("deferred: the MTA-STS policy matches none"));
}

TEST_CASE("engine/outlook: an override's level is read as Postfix reads it") {
    for (const char* policy :
         {"may", "MAY", "may\tprotocols=!SSLv2", "None", "may protocols=!SSLv2"})
        CHECK(of(overridden_by(policy)).mail.ends_with("\", as the override says"));
    for (const char* policy : {"encrypt", "Secure\tmatch=x", "dane"})
        CHECK(of(overridden_by(policy))
                  .mail.ends_with("; deferred where a host does not reach that "
                                  "level"));
}

TEST_CASE("engine/outlook: mail that is deferred says why in Postfix's words, and what helps") {
    verdict::Evidence bogus = evidence(verdict::MxState::bogus);
    bogus.mx.reason = "x";
    // Postfix's own resolver refuses first.
    CHECK(of(bogus).mail ==
          "deferred: Host or domain name not found. Name service error for name=example.com "
          "type=MX: Host not found, try again; where Postfix's resolver does not validate, "
          "deferred: client TLS configuration problem; in the log: MX example.com is bogus: x");
    config::Config without = *config::parse("[verdict]\npostfix_dnssec = false\n", "f");
    CHECK(outlook(answer(bogus, without)).mail ==
          "deferred: client TLS configuration problem; in the log: MX example.com is bogus: x");
    CHECK(of(bogus).next == "the domain's operator must fix its DNSSEC; then: postseal refresh "
                            "example.com; postqueue -f");

    // The word "bogus" in a server's reason makes no bogus answer.
    verdict::Evidence failed = evidence(verdict::MxState::failed);
    failed.mx.reason = "server says: this is bogus";
    enforce(failed, "mx.example.com");
    CHECK(answer(failed).verdict.cause == Cause::mx_failed);
    CHECK(of(failed).next.starts_with("postseal doctor, which says whether our own DNS works"));

    verdict::Evidence host_fails = evidence(verdict::MxState::secure);
    enforce(host_fails, "mx.example.com");
    host_fails.mx.hosts = {host("mx.example.com", verdict::HostState::none),
                           host("mx2.example.com", verdict::HostState::failed)};
    CHECK(answer(host_fails).verdict.cause == Cause::host_failed);
    host_fails.mx.hosts[1].bogus = true;
    CHECK(answer(host_fails).verdict.cause == Cause::host_bogus);
    CHECK(of(host_fails).next.starts_with("the domain's operator must fix its DNSSEC"));

    verdict::Evidence sealed = evidence(verdict::MxState::insecure, "[mx.example.com]:587");
    sealed.override_ = {.kind = verdict::Override::Kind::sealed, .policy = {}};
    sealed.mx.hosts = {host("mx.example.com", verdict::HostState::none)};
    CHECK(of(sealed).next == "postseal overrides set '[mx.example.com]:587' POLICY, for it alone; "
                             "or wait until the domain promises something");
    CHECK(engine::fix_of(Cause::nothing_promised, "[192.0.2.1]") ==
          "postseal overrides set '[192.0.2.1]' POLICY, for it alone: an address promises nothing");
}

TEST_CASE("engine/outlook: where there is no host Postfix bounces before it asks for a policy") {
    const verdict::Override sealed{.kind = verdict::Override::Kind::sealed, .policy = {}};
    for (const auto mx : {verdict::MxState::nxdomain, verdict::MxState::null_mx}) {
        verdict::Evidence nowhere = evidence(mx);
        nowhere.override_ = sealed;
        CHECK(answer(nowhere).verdict.override_text == "dane-only");
        CHECK_FALSE(engine::deferral(answer(nowhere)));
        CHECK(of(nowhere).mail.starts_with("bounced: "));
        nowhere.override_.reset();
        enforce(nowhere, "mx.example.com");
        CHECK(of(nowhere).mail.starts_with("bounced: "));
    }
    verdict::Evidence homeless = evidence(verdict::MxState::insecure);
    homeless.override_ = sealed;
    homeless.mx.hosts = {host("mx.example.com", verdict::HostState::no_address)};
    CHECK(of(homeless).mail.starts_with("bounced: no MX host of the domain has an address"));
    homeless.mx.addresses = 1; // an MX record that names an address, which Postfix delivers to
    CHECK(of(homeless).mail.starts_with("deferred: "));
    homeless.mx.addresses = 0;
    homeless.mx.hosts.push_back(host("mx2.example.com", verdict::HostState::failed));
    CHECK_FALSE(of(homeless).mail.starts_with("bounced"));
    // An override of a level looks nothing up.
    verdict::Evidence unasked = evidence(verdict::MxState::failed);
    unasked.override_ = {.kind = verdict::Override::Kind::policy, .policy = "encrypt"};
    CHECK(of(unasked).mail.starts_with("sent at \"encrypt\""));
}

TEST_CASE("engine/outlook: what is our own failure is not blamed on the domain") {
    verdict::Evidence unread = evidence(verdict::MxState::insecure);
    unread.mx.hosts = {host("mx.example.com", verdict::HostState::none)};
    unread.sts.unread = "disk I/O error";
    CHECK(answer(unread).verdict.cause == Cause::policy_unread);
    for (const Cause ours : {Cause::policy_unread, Cause::policy_untried, Cause::busy,
                             Cause::reply_too_long, Cause::defect})
        CHECK_FALSE(engine::fix_of(ours, "example.com").contains("operator"));
}

TEST_CASE("engine/outlook: where a certificate decides, probe is named") {
    verdict::Evidence usable = evidence(verdict::MxState::secure);
    usable.mx.hosts = {host("mx.example.com", verdict::HostState::usable)};
    const Outlook dane = of(usable);
    CHECK(dane.mail.contains("certificate matches its TLSA records"));
    CHECK(dane.mail.ends_with("else deferred: Server certificate not trusted"));
    CHECK(dane.next == "postseal probe example.com");
    verdict::Evidence none = evidence(verdict::MxState::secure);
    none.mx.hosts = {host("mx.example.com", verdict::HostState::none)};
    enforce(none, "mx.example.com");
    CHECK(of(none).mail.ends_with("else deferred: Server certificate not verified"));
    CHECK(of(none).next == "postseal probe example.com");
}

TEST_CASE("engine/outlook: findings, explain and outlook agree on what defers, by the maps' form") {
    using enum verdict::Form;
    verdict::Evidence outside = evidence(verdict::MxState::secure);
    outside.mx.hosts = {host("mx.example.com", verdict::HostState::none)};
    enforce(outside, "mx.example.net");
    const auto explained = [](const engine::Answer& a) {
        return engine::explain(a, *a.maps, engine::Overrides(), noon);
    };

    // One of form requiretls counts for nothing, whatever it is called; others do.
    const engine::Answer all = answer(outside, with_maps({map("exact", legacy, verdict::Match::mx),
                                                          map("bounce-or-not", requiretls)}));
    CHECK(engine::deferral(all).all);
    CHECK(outlook(all).mail.starts_with("deferred: client TLS configuration problem; in the log: "
                                        "the MTA-STS policy of example.com fits none"));
    CHECK(outlook(all).next.contains("correct its policy or its MX records"));
    CHECK(explained(all)["deferred"]["cause"] == "fits-no-host");
    CHECK(explained(all)["mail"] == outlook(all).mail);

    const engine::Answer some = answer(
        outside, with_maps({map("exact", legacy, verdict::Match::mx), map("requiretls", legacy)}));
    CHECK_FALSE(engine::deferral(some).all);
    CHECK(
        engine::deferral(some).text().starts_with("map exact: the MTA-STS policy of example.com"));
    CHECK(outlook(some).mail.contains("; by map exact deferred: client TLS configuration problem"));
    CHECK(outlook(some).next.contains("correct its policy or its MX records"));
    CHECK_FALSE(explained(answer(evidence(verdict::MxState::nxdomain))).contains("deferred"));
}

TEST_CASE("engine/outlook: a reply that is too long for tcp_table only is named so") {
    verdict::Evidence long_one = evidence(verdict::MxState::secure);
    long_one.mx.hosts = {host("mx.example.com", verdict::HostState::none)};
    std::string mx = "mx.example.com";
    for (int i = 0; i < 200; i++)
        mx += "\nmx: mx" + std::to_string(i) + ".a-rather-long-name-of-a-host.example.com";
    enforce(long_one, mx);
    long_one.mx.state = verdict::MxState::insecure;
    config::Config config = with_maps({map("postfix", verdict::Form::legacy)});
    config::Listen listen;
    listen.protocol = config::Protocol::tcp_table;
    listen.maps = {"postfix"};
    config.listen.push_back(listen);
    for (int i = 0; i < 100; i++)
        long_one.mx.hosts.push_back(
            host("mx" + std::to_string(i) + ".a-rather-long-name-of-a-host.example.com",
                 verdict::HostState::none));
    const engine::Deferral found = engine::deferral(answer(long_one, config));
    CHECK(found.maps == std::vector<std::string>{"tcp:postfix"});
    CHECK(found.cause == Cause::reply_too_long);
}

TEST_CASE("engine/outlook: without a promise main.cf decides, or there is nowhere to deliver to") {
    verdict::Evidence plain = evidence(verdict::MxState::secure);
    plain.mx.hosts = {host("mx.example.com", verdict::HostState::none)};
    CHECK(of(plain).mail.starts_with("sent as main.cf's smtp_tls_security_level"));
    CHECK(of(evidence(verdict::MxState::nxdomain)).mail ==
          "bounced: Host or domain name not found");
    CHECK(of(evidence(verdict::MxState::null_mx)).mail ==
          "bounced: Domain does not accept mail (nullMX)");
    CHECK(of(evidence(verdict::MxState::secure))
              .mail.starts_with("bounced: no MX host of the domain has"));
    verdict::Evidence encrypt = evidence(verdict::MxState::secure);
    encrypt.override_ = {.kind = verdict::Override::Kind::policy, .policy = "encrypt"};
    CHECK(
        of(encrypt).mail.starts_with("sent at \"encrypt\", as the override says; deferred where"));
    for (const char* any_host : {"none", "may", "may protocols=TLSv1.2"}) {
        verdict::Evidence weak = evidence(verdict::MxState::secure);
        weak.override_ = {.kind = verdict::Override::Kind::policy, .policy = any_host};
        CHECK(of(weak).mail.ends_with("as the override says"));
    }
    CHECK(engine::outlook_no_nexthop("[192.0.2.1]:25").next.contains("set '[192.0.2.1]' encrypt"));
    CHECK(engine::outlook_no_nexthop(".example.com").next == "nothing to do");
}
