// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/delivery/predict.h"

#include "support/table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

namespace postseal::delivery {
namespace {

using Result = dane::RecordMatch::Result;
using verdict::HostState;
using verdict::MxState;

const std::string self_signed = "certificate is self-signed";

Domain domain(const std::string& name) { return *Domain::parse(name); }

std::set<std::string> words_of(const std::string& text) {
    std::istringstream stream(text);
    std::set<std::string> words;
    for (std::string word; stream >> word;)
        words.insert(word);
    return words;
}

MxState mx_state(const std::string& text) {
    for (const MxState state : {MxState::secure, MxState::insecure, MxState::bogus, MxState::failed,
                                MxState::null_mx, MxState::nxdomain})
        if (verdict::to_string(state) == text) return state;
    throw std::runtime_error("no state of an MX RRset: " + text);
}

verdict::DefaultLevel level(const std::string& text) {
    return *verdict::default_level_names.find(text);
}

verdict::Reply reply(const std::string& text) {
    using Kind = verdict::Reply::Kind;
    if (text == "-") return {.kind = Kind::not_found, .text = {}, .defect = {}};
    if (text.starts_with("TEMP "))
        return {.kind = Kind::temp, .text = text.substr(5), .defect = {}};
    return {.kind = Kind::ok, .text = text, .defect = {}};
}

Destination destination(const std::string& state) {
    return {.nexthop = *Nexthop::parse("example.com"),
            .mx = mx_state(state),
            .mx_reason = "the MX says so",
            .canonical_name = {},
            .hosts = {}};
}

MxHost host(const std::string& name, char letter) {
    MxHost out{.host = {.name = domain(name), .tlsa_name = {}, .tlsa = {}, .reason = {}},
               .attempts = {},
               .no_address = {}};
    static const std::map<char, std::pair<HostState, std::string>> states{
        {'U', {HostState::usable, ""}},
        {'X', {HostState::unusable, "no usable TLSA record"}},
        {'N', {HostState::none, "no TLSA record"}},
        {'F', {HostState::failed, "the TLSA lookup fails"}}};
    std::tie(out.host.state, out.host.reason) = states.at(letter);
    if (letter == 'U' || letter == 'X') out.host.tlsa_name = "_25._tcp." + name;
    return out;
}

TlsaCheck check(std::uint8_t usage, Result result) {
    return {
        .record = {.usage = usage, .selector = 1, .matching_type = 1, .data = std::string(1, '\0')},
        .match = {.result = result, .depth = 0, .reason = {}},
        .fault = {}};
}

Tls tls(std::string name) {
    Tls out{.version = "TLS1.3",
            .cipher = {},
            .server_name = {},
            .chain = {},
            .chain_fault = {},
            .tlsa = {}};
    out.chain.push_back({.subject = {}, .issuer = {}, .dns_names = {std::move(name)}});
    return out;
}

Attempt attempt(const std::set<std::string>& seen) {
    Attempt out;
    out.offers_starttls = !seen.contains("plain");
    if (seen.contains("unreachable"))
        out.fault = Fault{.step = Step::connect, .reason = "Connection refused"};
    if (seen.contains("refusing")) out.starttls_refusal = "454 not now";
    if (seen.contains("broken"))
        out.fault = Fault{.step = Step::handshake, .reason = "TLS handshake: broken"};
    if (!seen.contains("tls") && !seen.contains("old")) return out;

    std::string name = "mx.example.com";
    for (const auto& [word, other] :
         std::map<std::string, std::string>{{"other", "www.example.net"},
                                            {"next", "example.com"},
                                            {"below", "a.mx.example.com"},
                                            {"wild", "*.example.com"}})
        if (seen.contains(word)) name = other;
    out.tls = tls(name);
    out.tls->old = seen.contains("old");
    if (out.tls->old) out.tls->version = "TLS1.1";
    if (seen.contains("untrusted")) out.tls->chain_fault = self_signed;
    out.tls->tlsa.push_back(check(3, Result::no_match));
    if (seen.contains("ta")) {
        out.tls->tlsa.push_back(check(2, Result::matched));
        if (seen.contains("late")) out.tls->tlsa.back().fault = "certificate expired";
    }
    if (seen.contains("ee")) out.tls->tlsa.push_back(check(3, Result::matched));
    return out;
}

TEST_CASE("delivery/predict: the table") {
    std::size_t cases = 0;
    for (const auto& row : test::read_table("delivery/predict.table", 7)) {
        CAPTURE(row.line);
        const std::string& facts = row.fields[2];
        Destination to = destination(facts.substr(0, facts.size() - 2));
        to.hosts.push_back(host("mx.example.com", facts.back()));
        const MxHost& mx = to.hosts.back();
        const Orders told =
            orders(reply(row.fields[1]), verdict::Form::tlsrpt, smtp_with(level(row.fields[0])));
        CHECK(told.defer.empty());
        const Prediction prediction = predict(to, mx, attempt(words_of(row.fields[3])), told);
        CHECK(to_string(prediction.outcome) == row.fields[4]);
        CHECK(prediction.why == row.fields[5]);
        cases++;
    }
    CHECK(cases > 60);
}

// An address of the table of fates.
Attempt address(const std::string& seen, const std::string& name) {
    Attempt out;
    if (seen == "dead") out.fault = Fault{.step = Step::connect, .reason = "Connection refused"};
    if (seen == "dead" || seen == "plain") return out;
    out.offers_starttls = true;
    out.tls = tls(seen == "right" ? name : "www.example.net");
    if (seen != "right") out.tls->chain_fault = self_signed;
    if (seen == "dane") out.tls->tlsa.push_back(check(3, Result::matched));
    return out;
}

void add_host(Destination& to, const std::string& text) {
    std::istringstream words(text);
    std::uint16_t preference = 0;
    std::string addresses;
    REQUIRE((words >> preference >> addresses));
    const bool second = !to.hosts.empty() && to.hosts.back().host.preference == preference;
    const std::string name = fmt::format("mx{}{}.example.com", preference, second ? "b" : "");
    const bool has_tlsa = addresses.contains("dane") || addresses.contains("wrong");
    MxHost& added = to.hosts.emplace_back(host(name, has_tlsa ? 'U' : 'N'));
    added.host.preference = preference;
    std::istringstream list(addresses);
    for (std::string seen; std::getline(list, seen, '+');)
        added.attempts.push_back(address(seen, name));
}

TEST_CASE("delivery/message_outcome: the table") {
    for (const auto& row : test::read_table("delivery/message_outcome.table", 7)) {
        CAPTURE(row.line);
        Destination to = destination(row.fields[0]);
        std::istringstream hosts(row.fields[2]);
        for (std::string text; std::getline(hosts, text, ',');)
            add_host(to, text);
        const MessageOutcome end =
            message_outcome(to, orders(reply(row.fields[1]), verdict::Form::legacy,
                                       smtp_with(verdict::DefaultLevel::dane)));
        CHECK(to_string(end.kind) == row.fields[3]);
        CHECK(end.host == (row.fields[4].empty() ? "" : row.fields[4] + ".example.com"));
        CHECK(end.why == row.fields[5]);
    }
}

TEST_CASE("delivery/predict: MTA-STS wants the MX in the policy and its certificate for itself") {
    const auto policy =
        mtasts::parse_policy("version: STSv1\nmode: testing\nmax_age: 1\nmx: *.example.com\n");
    REQUIRE(policy.has_value());
    const auto satisfied = [&](const std::string& name, const std::string& seen) {
        return mta_sts(*policy, host(name, 'N'), attempt(words_of(seen))).satisfied;
    };
    CHECK(satisfied("mx.example.com", "tls"));
    CHECK(satisfied("mx.example.com", "tls wild"));
    CHECK_FALSE(satisfied("mx.example.com", "tls below"));
    CHECK_FALSE(satisfied("mx.example.com", "tls untrusted"));
    CHECK_FALSE(satisfied("mx.example.com", "plain"));
    CHECK_FALSE(satisfied("mx.example.com", "old"));
    CHECK_FALSE(satisfied("mx.in.example.com", "tls"));
}

TEST_CASE("delivery/predict: as the version and main.cf of the Postfix that is there have it") {
    const Destination to = destination("secure");
    const MxHost mx = host("mx.example.com", 'N');
    const std::string sts = "secure match=.example.com servername=hostname policy_type=sts "
                            "policy_domain=example.com mx_host_pattern=*.in.example.com "
                            "{ policy_string = version: STSv1 }";
    const auto outcome = [&](const std::string& policy, verdict::Form form, const Smtp& smtp) {
        const Orders told = orders(reply(policy), form, smtp);
        return told.defer.empty()
                   ? std::string(to_string(predict(to, mx, attempt(words_of("tls")), told).outcome))
                   : told.defer;
    };
    CHECK(outcome(sts, verdict::Form::tlsrpt, Smtp()) == "refused"); // since 3.10.5
    CHECK(outcome(sts, verdict::Form::tlsrpt, Smtp{.checks_sts_patterns = false, .no_tls = {}}) ==
          "sealed");
    // Before 3.10 the attributes are unknown.
    CHECK(outcome(sts, verdict::Form::legacy, Smtp()).starts_with("Postfix does not read this"));
    // A CA file that cannot be read leaves smtp(8) without TLS.
    const Smtp broken{.no_tls = "Postfix has no TLS: /x: No such file or directory"};
    CHECK(outcome("encrypt", verdict::Form::legacy, broken) == "refused");
    CHECK(outcome("may", verdict::Form::legacy, broken) == "clear");
    CHECK(outcome("none", verdict::Form::legacy, broken) == "clear");
}

TEST_CASE("delivery/predict: DANE is said whatever the verdict") {
    const Destination to = destination("secure");
    const auto satisfied = [&](char letter, const std::string& seen) {
        return dane(to, host("mx.example.com", letter), attempt(words_of(seen)));
    };
    CHECK(satisfied('U', "tls ee").satisfied);
    CHECK_FALSE(satisfied('U', "tls").satisfied);
    CHECK_FALSE(satisfied('U', "old ee").satisfied);
    CHECK(satisfied('N', "tls").why == "no TLSA record");
}

TEST_CASE("delivery/predict: SNI is the TLSA base domain under DANE, else the host's name") {
    const Destination to = destination("secure");
    MxHost mx = host("alias.example.com", 'U');
    mx.host.tlsa_name = "_25._tcp.mx.example.com";
    const auto name = [&](const std::string& told) {
        return server_name(to, mx.host, orders(reply(told), verdict::Form::legacy, Smtp()));
    };
    CHECK(name("dane-only") == "mx.example.com");
    CHECK(name("secure match=hostname") == "alias.example.com");
    CHECK(name("-") == "alias.example.com");
}

TEST_CASE("delivery/predict: a CNAME of the domain is a name under DANE-TA; [host] has none but "
          "its own") {
    Destination to = destination("secure");
    to.canonical_name = "example.com";
    to.nexthop = *Nexthop::parse("alias.example");
    const Attempt seen = attempt({"tls", "ta", "next"});
    CHECK(dane(to, host("mx.example.com", 'U'), seen).satisfied);
    to.nexthop = *Nexthop::parse("[mx.example.com]");
    CHECK_FALSE(dane(to, host("mx.example.com", 'U'), seen).satisfied);
}

TEST_CASE("delivery/predict: blocked is where every address kept silent") {
    Destination to = destination("secure");
    CHECK_FALSE(seems_blocked(to));
    add_host(to, "10 dead+dead");
    CHECK_FALSE(seems_blocked(to));
    for (Attempt& silent : to.hosts[0].attempts)
        silent.fault->late = true;
    CHECK(seems_blocked(to));
    add_host(to, "20 plain");
    CHECK_FALSE(seems_blocked(to));
}

} // namespace
} // namespace postseal::delivery
