// Who asks has the verdict as soon as nothing pending can change it, and does not wait again for
// what somebody has waited for in vain.
// SPDX-License-Identifier: BSD-3-Clause
#include "engine/field.h"

#include <doctest/doctest.h>

#include <deque>
#include <optional>
#include <string>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

constexpr auto world = R"(
zone example.com secure 600
example.com MX secure 600 10 mx.example.com
mx.example.com A secure 900 192.0.2.1
_25._tcp.mx.example.com TLSA secure 300 3 1 1 ab*32
zone example.org insecure 600
example.org MX insecure 600 10 mx.example.org
mx.example.org A insecure 600 192.0.2.2
_mta-sts.example.org TXT insecure 600 "v=STSv1; id=one;"
)";
constexpr auto silent_txt = R"(
_mta-sts.example.com TXT failed timeout
_mta-sts.example.com TXT delay 8000
)";
constexpr auto enforce = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 864000\n";
constexpr auto dane_only = "12:OK dane-only,";
constexpr auto not_found = "9:NOTFOUND ,";

struct Asked {
    std::optional<std::string> reply;
    milliseconds after{0};
};

struct Waiting : Field {
    explicit Waiting(const std::string& configuration = {}) : Field({}, {}, configuration) {
        resolver.set(world);
        fetcher.serve("example.org", enforce);
    }
    async::Task<> ask_into(std::string key, config::Protocol protocol, Asked& to) {
        const MonoTime begun = loop.now();
        const engine::WireReply answer =
            co_await engine->reply(Nexthop::parse(key).value(), protocol, "postfix", nullptr);
        to.reply = answer.text;
        to.after = loop.now() - begun;
    }
    Asked& start(const std::string& key, config::Protocol protocol = config::Protocol::socketmap) {
        Asked& asked = all.emplace_back();
        group.start(ask_into(key, protocol, asked));
        return asked;
    }
    std::deque<Asked> all;
    async::Group group{loop};
};

constexpr auto with_delegation = R"(
[[listen]]
protocol = "delegation"
address = "inet:127.0.0.1:1"
[delegation]
dane = "PREPEND X-Sealed: yes"
)";

} // namespace

TEST_CASE("a silent TXT does not hold a dane-only, and its lookup goes on") {
    Waiting field;
    field.resolver.set(silent_txt);
    const Asked& first = field.start("example.com");
    field.loop.advance(1s);
    REQUIRE(first.reply);
    CHECK(*first.reply == dane_only);
    CHECK(first.after < 100ms);
    CHECK(field.engine->find("example.com") == nullptr); // all of it is not known yet
    CHECK(field.engine->pending() == 1);
    const Asked& second = field.start("example.com"); // joins
    field.loop.advance(1s);
    CHECK(second.reply == dane_only);
    CHECK(second.after < 100ms);
    field.loop.advance(7s);
    CHECK(field.engine->pending() == 0);
    CHECK(field.engine->find("example.com") != nullptr);
    CHECK(field.resolver.count("_mta-sts.example.com TXT") == 1);
}

TEST_CASE("what the TXT record can change waits for it") {
    Waiting field;
    field.resolver.set(silent_txt);
    SUBCASE("no DANE") { field.resolver.set("_25._tcp.mx.example.com TLSA secure 300 nodata"); }
    SUBCASE("a host that fails") {
        field.resolver.set("_25._tcp.mx.example.com TLSA failed SERVFAIL");
    }
    const Asked& asked = field.start("example.com");
    field.loop.advance(7s);
    CHECK_FALSE(asked.reply);
    field.loop.advance(2s);
    CHECK(asked.reply);
}

TEST_CASE("one map whose Postfix cannot do DANE makes all of them wait for the policy") {
    Waiting field("[[map]]\nname = \"old\"\npostfix_dnssec = false\n");
    field.resolver.set(silent_txt);
    const Asked& asked = field.start("example.com");
    field.loop.advance(7s);
    CHECK_FALSE(asked.reply);
}

TEST_CASE("an action of delegation and an explanation take all the evidence") {
    Waiting field(with_delegation);
    field.resolver.set(silent_txt);
    const Asked& map = field.start("example.com");
    const Asked& delegation = field.start("example.com", config::Protocol::delegation);
    field.loop.advance(1s);
    CHECK(map.reply == dane_only);
    CHECK_FALSE(delegation.reply);
    const auto explained = field.ask("example.com");
    CHECK_FALSE(explained->evidence.partial);
    CHECK(explained->evidence.sts.record == verdict::RecordState::failed);
    CHECK(delegation.reply);
}

TEST_CASE("a silent host does not hold what it cannot change") {
    Waiting field;
    field.resolver.set(world);
    field.resolver.set("example.org MX insecure 600 10 mx.example.org\n"
                       "example.org MX insecure 600 20 slow.example.org\n"
                       "slow.example.org * failed timeout\n"
                       "slow.example.org * delay 8000\n");
    const Asked& asked = field.start("example.org");
    field.loop.advance(1s);
    REQUIRE(asked.reply);
    CHECK(asked.reply->contains("OK secure match=mx.example.org"));
    field.loop.advance(10s);
    CHECK(field.reply("example.org").contains("OK secure match=mx.example.org"));
}

TEST_CASE("what the store has learnt meanwhile is not passed by") {
    Waiting field;
    field.resolver.set(silent_txt);
    const Asked& first = field.start("example.com");
    field.loop.advance(1s);
    CHECK(first.reply);
    const std::size_t before = field.resolver.count("example.com MX");
    field.engine->outdate("example.com");
    const Asked& second = field.start("example.com");
    field.loop.advance(1s);
    CHECK(second.reply == dane_only); // of the second attempt, which has begun at once
    CHECK(field.resolver.count("example.com MX") == before + 1);
}

TEST_CASE("an override that comes while a verdict is settled holds at once") {
    Waiting field;
    field.resolver.set(silent_txt);
    const Asked& first = field.start("example.com");
    field.loop.advance(1s);
    CHECK(first.reply == dane_only);
    field.engine->reconfigure(
        field.maps, engine::Overrides::parse("example.com encrypt\n", "o").value(), field.options);
    const Asked& second = field.start("example.com");
    field.loop.advance(1s);
    CHECK(second.reply == "10:OK encrypt,");
}

TEST_CASE("a family that is silent for a second beside an insecure one counts as failed") {
    Waiting field;
    field.resolver.set(
        "mx.example.org AAAA delay 7750\n_mta-sts.example.org TXT insecure 600 nodata");
    SUBCASE("it fails in the end") {
        field.resolver.set("mx.example.org AAAA failed timeout\nmx.example.org AAAA delay 7750");
    }
    SUBCASE("it has nothing") {}
    const Asked& asked = field.start("example.org");
    field.loop.advance(2s);
    REQUIRE(asked.reply);
    CHECK(*asked.reply == not_found);
    CHECK(asked.after >= 1s);
    CHECK(asked.after < 1100ms);
    CHECK(field.engine->find("example.org") == nullptr);
    field.loop.advance(6s);
    CHECK(field.engine->find("example.org") != nullptr);
    CHECK(field.reply("example.org") == not_found);
}

TEST_CASE("the late family's answer is used when it comes") {
    Waiting field;
    field.resolver.set("mx.example.com A insecure 900 192.0.2.1\n"
                       "mx.example.com AAAA secure 900 2001:db8::1\n"
                       "mx.example.com AAAA delay 5000\n");
    const Asked& asked = field.start("example.com");
    field.loop.advance(2s);
    CHECK(asked.reply == not_found); // row 11
    field.loop.advance(4s);
    CHECK(field.engine->find("example.com") != nullptr);
    CHECK(field.reply("example.com") == dane_only);
}

TEST_CASE("a family that is found secure does not wait for the other") {
    Waiting field;
    field.resolver.set("mx.example.com AAAA failed timeout\nmx.example.com AAAA delay 8000");
    const Asked& asked = field.start("example.com");
    field.loop.advance(1s);
    CHECK(asked.reply == dane_only);
    CHECK(asked.after < 100ms);
    field.loop.advance(8s);
    CHECK(field.engine->find("example.com") != nullptr);
    CHECK(field.resolver.count("_25._tcp.mx.example.com TLSA") == 1);
}

TEST_CASE("a host that would be F by a late family is waited for") {
    Waiting field;
    field.resolver.set("mx.example.com A secure 900 nodata\n"
                       "mx.example.com AAAA secure 900 2001:db8::1\n"
                       "mx.example.com AAAA delay 3000\n");
    const Asked& asked = field.start("example.com");
    field.loop.advance(2s);
    CHECK_FALSE(asked.reply);
    field.loop.advance(2s);
    CHECK(asked.reply == dane_only);
}

TEST_CASE("nobody waits again for a fetch that somebody has waited for in vain") {
    Waiting field(with_delegation);
    field.fetcher.delay(60s);
    const Asked& first = field.start("example.org");
    field.loop.advance(6s);
    const Asked& second = field.start("example.org"); // nobody was answered without it yet
    field.loop.advance(5s);
    REQUIRE(first.reply);
    CHECK(first.after == 10s);
    CHECK_FALSE(second.reply);
    for (const char* key : {"example.org", "example.org:587", "example.org"}) {
        const Asked& later = field.start(key);
        field.loop.advance(1ms);
        CHECK(later.reply == *first.reply);
    }
    const Asked& delegation = field.start("example.org:587", config::Protocol::delegation);
    field.loop.advance(1ms);
    CHECK(delegation.reply);
    field.loop.advance(60s);
    CHECK(second.after <= 10s);
    CHECK(field.fetcher.fetches() == 1);
    CHECK(field.reply("example.org").contains("OK secure match=mx.example.org")); // kept
}

TEST_CASE("who asks after a deadline has what has become known since") {
    Waiting field;
    field.fetcher.delay(60s);
    field.resolver.set("mx.example.org A insecure 600 192.0.2.2\nmx.example.org A delay 12000\n"
                       "mx.example.org AAAA insecure 600 nodata\nmx.example.org AAAA delay 12000");
    const Asked& first = field.start("example.org");
    field.loop.advance(11s);
    CHECK(first.reply == "7:OK dane,"); // the host counts as F
    field.loop.advance(3s);
    const Asked& second = field.start("example.org");
    field.loop.advance(1ms);
    CHECK(second.reply == not_found);
}
