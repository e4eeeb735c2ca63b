// SPDX-License-Identifier: BSD-3-Clause
#include "probe/attempt.h"

#include "async/block_on.h"
#include "tls/certificates.h"
#include "tls/tls_server.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace postseal::probe {
namespace {

using namespace std::chrono_literals;
using delivery::Attempt;
using delivery::Step;
using tls::Behaviour;
using tls::ServerConnection;
using Result = dane::RecordMatch::Result;

constexpr auto host = "mx.example.com";

const tls::Authority& authority() {
    static const tls::Authority made("test authority");
    return made;
}
const tls::Authority& stranger() {
    static const tls::Authority made("stranger");
    return made;
}

tls::Subject mx() { return {.common_name = {}, .dns_names = {host}}; }

tls::Subject expired() {
    tls::Subject subject = mx();
    subject.begins = std::chrono::days(-20);
    subject.ends = std::chrono::days(-10);
    return subject;
}

// The SMTP of a server that ends with `starttls`, its answer to STARTTLS.
Behaviour smtp(std::string starttls = "220 go ahead\r\n") {
    return [starttls](ServerConnection& client) {
        client.send_raw("220 mx.example.com ESMTP\r\n");
        client.read_raw();
        client.send_raw("250-mx.example.com\r\n250-SIZE 1000\r\n250 STARTTLS\r\n");
        client.read_raw();
        client.send_raw(starttls);
        if (!starttls.starts_with("220 ") || !client.handshake()) return;
        client.wait_for_close();
    };
}

// Says one thing after another, each after something was read, and waits.
Behaviour say(std::vector<std::string> texts) {
    return [texts](ServerConnection& client) {
        for (const std::string& text : texts) {
            if (&text != &texts.front()) client.read_raw();
            client.send_raw(text);
        }
        client.wait_for_close();
    };
}

Attempt attempt_at(std::uint16_t port, std::vector<dane::Tlsa> records = {},
                   milliseconds step = 10s) {
    const tls::TemporaryFile ca(authority().pem());
    async::UvLoop loop;
    Attempt attempt;
    Target target{.address = tls::address_of("127.0.0.1"),
                  .port = port,
                  .server_name = host,
                  .records = std::move(records),
                  .helo = {},
                  .step = step};
    async::block_on(loop,
                    try_address(loop, *tls::Trust::load(ca.path()), std::move(target), attempt));
    return attempt;
}

Attempt attempt_with(const tls::Identity& identity, std::vector<dane::Tlsa> records = {}) {
    const tls::TlsServer server(identity, smtp());
    return attempt_at(server.port(), std::move(records));
}

std::string first_certificate(const std::string& pem) {
    return pem.substr(0, pem.find('\n', pem.find("-----END CERTIFICATE-----")) + 1);
}

std::vector<Step> steps(const Attempt& attempt) {
    std::vector<Step> out;
    out.reserve(attempt.took.size());
    for (const delivery::Took& took : attempt.took)
        out.push_back(took.step);
    return out;
}

// The record of that kind that the certificate of this depth would match.
dane::Tlsa record(const Attempt& seen, std::uint8_t usage, std::uint8_t selector, std::uint8_t type,
                  std::size_t depth) {
    return {.usage = usage,
            .selector = selector,
            .matching_type = type,
            .data = seen.tls->chain.at(depth).associations.data.at(selector).at(type)};
}

TEST_CASE("probe/attempt: all is well") {
    const tls::TlsServer server(authority().issue(mx()), smtp());
    const Attempt attempt = attempt_at(server.port());
    CHECK_FALSE(attempt.fault.has_value());
    CHECK(steps(attempt) ==
          std::vector{Step::connect, Step::greeting, Step::ehlo, Step::starttls, Step::handshake});
    CHECK(attempt.greeting == "220 mx.example.com ESMTP");
    CHECK(attempt.extensions == std::vector<std::string>{"SIZE 1000", "STARTTLS"});
    REQUIRE(attempt.tls.has_value());
    CHECK(attempt.tls->version == "TLS1.3");
    CHECK_FALSE(attempt.tls->old);
    CHECK(attempt.tls->server_name == host);
    CHECK(attempt.tls->chain_fault.empty());
    REQUIRE(attempt.tls->chain.size() == 1);
    CHECK(attempt.tls->chain[0].dns_names == std::vector<std::string>{host});
    CHECK(attempt.tls->chain[0].issuer == "CN=test authority");
    CHECK(attempt.tls->chain[0].key == "EC/ECDSA 256 bits");
    CHECK(attempt.tls->chain[0].associations.data[1][2].size() == 64);
}

TEST_CASE("probe/attempt: the chain against the trust store, dates too, names not") {
    const auto fault = [](const tls::Identity& identity) {
        return attempt_with(identity).tls->chain_fault;
    };
    CHECK(fault(authority().issue({.common_name = {}, .dns_names = {"other.example"}})).empty());
    CHECK(fault(authority().issue(expired())) ==
          "certificate expired on " + tls::date_in(std::chrono::days(-10)));
    CHECK(fault(tls::self_signed(mx())).starts_with("certificate is self-signed"));
    CHECK(fault(stranger().issue(mx())) ==
          "certificate has no chain to the trust store (issuer CN=stranger)");
}

TEST_CASE("probe/attempt: whose certificate is missing, though others are sent") {
    tls::Identity identity = authority().issue_by_intermediate(mx(), std::chrono::days(30));
    identity.chain = first_certificate(identity.chain) + authority().pem();
    CHECK(attempt_with(identity).tls->chain_fault ==
          "certificate has no chain to the trust store (issuer CN=Middle CA)");
}

TEST_CASE("probe/attempt: TLS 1.1 is spoken, and said to be old") {
    const tls::TlsServer server(
        authority().issue(mx()), smtp(),
        {.priority = "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT:+SHA1:+SIGN-ECDSA-SHA1"});
    const Attempt attempt = attempt_at(server.port());
    REQUIRE(attempt.tls.has_value());
    CHECK(attempt.tls->version == "TLS1.1");
    CHECK(attempt.tls->old);
}

TEST_CASE("probe/attempt: TLSA records of usage 3") {
    const tls::Identity identity = tls::self_signed(expired());
    const Attempt seen = attempt_with(identity);
    const Attempt attempt =
        attempt_with(identity, {record(seen, 3, 1, 1, 0), record(seen, 3, 0, 2, 0),
                                record(seen, 3, 1, 0, 0), record(seen, 3, 0, 0, 0)});
    for (const delivery::TlsaCheck& check : attempt.tls->tlsa)
        CHECK(check.match.result == Result::matched);
    const Attempt other = attempt_with(tls::self_signed(mx()), {record(seen, 3, 1, 1, 0)});
    CHECK(other.tls->tlsa.at(0).match.result == Result::no_match);
}

TEST_CASE("probe/attempt: TLSA records of usage 2, the chain up to what they name") {
    const tls::Identity identity = authority().issue_by_intermediate(mx(), std::chrono::days(30));
    const Attempt seen = attempt_with(identity);
    REQUIRE(seen.tls->chain.size() == 2);
    for (std::uint8_t selector = 0; selector < 2; selector++)
        for (std::uint8_t type = 0; type < 3; type++) {
            const Attempt attempt = attempt_with(identity, {record(seen, 2, selector, type, 1)});
            CHECK(attempt.tls->tlsa.at(0).match.result == Result::matched);
            CHECK(attempt.tls->tlsa.at(0).match.depth == 1);
            CHECK(attempt.tls->tlsa.at(0).fault.empty());
        }
}

TEST_CASE("probe/attempt: TLSA records of usage 2, the dates of the whole chain") {
    const tls::Identity identity = authority().issue_by_intermediate(mx(), std::chrono::days(-1));
    const Attempt seen = attempt_with(identity);
    const Attempt attempt = attempt_with(identity, {record(seen, 2, 0, 1, 1)});
    CHECK(attempt.tls->tlsa.at(0).match.result == Result::matched);
    CHECK(attempt.tls->tlsa.at(0).fault.contains("expired on"));
}

TEST_CASE("probe/attempt: a trust anchor that only the record has") {
    // The server sends its own certificate and no other.
    tls::Identity identity = authority().issue_by_intermediate(mx(), std::chrono::days(30));
    const Attempt whole = attempt_with(identity);
    identity.chain = first_certificate(identity.chain);
    for (std::uint8_t selector = 0; selector < 2; selector++) {
        CAPTURE(selector);
        const Attempt attempt = attempt_with(
            identity, {record(whole, 2, selector, 0, 1), record(whole, 2, selector, 1, 1)});
        REQUIRE(attempt.tls->chain.size() == 1);
        CHECK(attempt.tls->tlsa.at(0).match.result == Result::matched);
        CHECK(attempt.tls->tlsa.at(0).fault.empty());
        CHECK(attempt.tls->tlsa.at(1).match.result ==
              Result::no_match); // a digest is not an anchor
        const Attempt other =
            attempt_with(stranger().issue(mx()), {record(whole, 2, selector, 0, 1)});
        CHECK(other.tls->tlsa.at(0).match.result == Result::no_match);
    }
}

TEST_CASE("probe/attempt: no STARTTLS, or refused, is not a fault of the connection") {
    const tls::TlsServer none({}, say({"220 mx\r\n", "250 mx\r\n"}));
    Attempt attempt = attempt_at(none.port());
    CHECK_FALSE(attempt.fault.has_value());
    CHECK_FALSE(attempt.offers_starttls);
    const tls::TlsServer refusing({}, smtp("454 4.7.0 not now\r\n"));
    attempt = attempt_at(refusing.port());
    CHECK_FALSE(attempt.fault.has_value());
    CHECK(attempt.starttls_refusal == "454 4.7.0 not now");
}

TEST_CASE("probe/attempt: EHLO refused, HELO will do") {
    const tls::TlsServer server({},
                                say({"220 mx\r\n", "502 what?\r\n", "250-mx\r\n250 STARTTLS\r\n"}));
    const Attempt attempt = attempt_at(server.port());
    CHECK(attempt.answered());
    CHECK_FALSE(attempt.offers_starttls);
}

TEST_CASE("probe/attempt: plain text behind the answer to STARTTLS is seen and dropped") {
    const tls::TlsServer server(authority().issue(mx()), smtp("220 go\r\n250 slipped in\r\n"));
    const Attempt attempt = attempt_at(server.port());
    CHECK_FALSE(attempt.fault.has_value());
    CHECK(attempt.slipped_in == 16);
    CHECK(attempt.tls.has_value());
}

struct Faulty {
    const char* what;
    Behaviour behaviour;
    Step step;
    const char* reason;
};

TEST_CASE("probe/attempt: where it ends, and why") {
    const Faulty all[] = {
        {"busy", say({"421 4.3.2 busy\r\n"}), Step::greeting, "the greeting is 421 4.3.2 busy"},
        {"no SMTP", say({"SSH-2.0\r\n"}), Step::greeting,
         "no SMTP reply: a line does not begin with a reply code"},
        {"EHLO and HELO refused", say({"220 mx\r\n", "500 what?\r\n", "500 what?\r\n"}), Step::ehlo,
         "the answer to EHLO is 500 what?"},
        {"EHLO put off", say({"220 mx\r\n", "421 later\r\n"}), Step::ehlo,
         "the answer to EHLO is 421 later"},
        {"closed at once", [](ServerConnection&) {}, Step::greeting,
         "the server closed the connection"},
        {"no TLS", say({"220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n", "what?\r\n"}),
         Step::handshake, nullptr},
    };
    for (const Faulty& faulty : all) {
        CAPTURE(std::string(faulty.what));
        const tls::TlsServer server({}, faulty.behaviour);
        const Attempt attempt = attempt_at(server.port());
        REQUIRE(attempt.fault.has_value());
        CHECK(attempt.fault->step == faulty.step);
        CHECK_FALSE(attempt.fault->late);
        if (faulty.reason != nullptr) CHECK(attempt.fault->reason == faulty.reason);
    }
}

TEST_CASE("probe/attempt: each step has its time limit") {
    const std::vector<std::pair<std::vector<std::string>, std::string>> all{
        {{}, "no greeting within 100 ms"},
        {{"220-still\r\n"}, "no greeting within 100 ms"},
        {{"220 mx\r\n"}, "no answer to EHLO within 100 ms"},
        {{"220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n"}, "no answer to STARTTLS within 100 ms"},
        {{"220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n"},
         "the TLS handshake did not end within 100 ms"}};
    for (const auto& [texts, reason] : all) {
        const tls::TlsServer server({}, say(texts));
        const Attempt attempt = attempt_at(server.port(), {}, 100ms);
        REQUIRE(attempt.fault.has_value());
        CHECK(attempt.fault->late);
        CHECK(attempt.fault->reason == reason);
    }
    const tls::FullListener full("127.0.0.1");
    const Attempt attempt = attempt_at(full.port(), {}, 100ms);
    REQUIRE(attempt.fault.has_value());
    CHECK(attempt.fault->reason == "no connection within 100 ms");
}

TEST_CASE("probe/attempt: nobody listens") {
    const Attempt attempt = attempt_at(tls::closed_port("127.0.0.1"));
    REQUIRE(attempt.fault.has_value());
    CHECK(attempt.fault->step == Step::connect);
    CHECK_FALSE(attempt.fault->late);
    CHECK(attempt.fault->reason == "[127.0.0.1] Connection refused");
}

} // namespace
} // namespace postseal::probe
