// SPDX-License-Identifier: BSD-3-Clause
#include "async/timeout.h"
#include "dns/cancelled.h"
#include "dns/tlsa_lookup.h"
#include "support/fake_resolver.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

namespace postseal::test {
namespace {

using verdict::HostState;

Domain domain(std::string_view text) { return Domain::parse(text).value(); }

constexpr std::string_view aliased = R"(
zone example.com secure
mx.example.com CNAME secure 400 host.example.net
host.example.net A insecure 900 192.0.2.1
_25._tcp.mx.example.com TLSA secure 1800 3 1 1 ab*32
)";

TEST_CASE("tlsa_lookup: A and AAAA are asked at the same time") {
    VirtualLoop loop;
    FakeResolver resolver(loop, aliased);
    resolver.set("mx.example.com A delay 300\nmx.example.com AAAA delay 300");
    const MonoTime begin = loop.now();
    const auto result =
        loop.run_until_done(dns::tlsa_lookup(loop, resolver, domain("mx.example.com"), 25));
    CHECK(result.host.state == HostState::usable);
    CHECK(loop.now() - begin == milliseconds(300));
    CHECK(resolver.max_in_flight() == 2);
}

TEST_CASE("tlsa_lookup: TLSA beside the addresses takes no time of its own") {
    using dns::TlsaQuestion;
    constexpr std::string_view here = R"(
zone example.com secure
mx.example.com A secure 900 192.0.2.1
mx.example.com A delay 300
mx.example.com AAAA delay 300
_25._tcp.mx.example.com TLSA secure 1800 3 1 1 ab*32
_25._tcp.mx.example.com TLSA delay 300
)";
    for (const auto& [when, took] :
         {std::pair(TlsaQuestion::after_addresses, milliseconds(600)),
          std::pair(TlsaQuestion::beside_addresses, milliseconds(300))}) {
        VirtualLoop loop;
        FakeResolver resolver(loop, here);
        const MonoTime begin = loop.now();
        const auto result = loop.run_until_done(
            dns::tlsa_lookup(loop, resolver, domain("mx.example.com"), 25, when));
        CHECK(result.host.state == HostState::usable);
        CHECK(loop.now() - begin == took);
        CHECK(resolver.count("_25._tcp.mx.example.com TLSA") == 1);
    }
}

TEST_CASE("tlsa_lookup: a silent family holds nobody beside a secure one with TLSA records") {
    VirtualLoop loop;
    FakeResolver resolver(loop, "zone example.com secure\n"
                                "mx.example.com A secure 900 192.0.2.1\n"
                                "mx.example.com A delay 100\n"
                                "mx.example.com AAAA hang\n"
                                "_25._tcp.mx.example.com TLSA secure 1800 3 1 1 ab*32\n"
                                "_25._tcp.mx.example.com TLSA delay 100\n");
    struct Early {
        VirtualLoop& loop;
        std::optional<dns::HostResult> result;
        MonoTime at;
    } early{.loop = loop, .result = {}, .at = {}};
    const dns::OnEarly on_early{[](void* self, const dns::HostResult& result) {
                                    auto* into = static_cast<Early*>(self);
                                    into->result = result;
                                    into->at = into->loop.now();
                                },
                                &early};
    const MonoTime begin = loop.now();
    const auto late = loop.run_until_done(
        async::with_timeout(loop,
                            dns::tlsa_lookup(loop, resolver, domain("mx.example.com"), 25,
                                             dns::TlsaQuestion::beside_addresses, on_early),
                            seconds(2)));
    CHECK_FALSE(late);
    REQUIRE(early.result);
    CHECK(early.result->host.state == HostState::usable);
    CHECK(early.result->host.lookup == verdict::HostLookup::ended);
    CHECK(early.at - begin == milliseconds(100));
}

TEST_CASE("tlsa_lookup: the TLSA records found are kept") {
    VirtualLoop loop;
    FakeResolver resolver(loop, aliased);
    const auto result =
        loop.run_until_done(dns::tlsa_lookup(loop, resolver, domain("mx.example.com"), 25));
    const dane::Tlsa expected{
        .usage = 3, .selector = 1, .matching_type = 1, .data = std::string(32, '\xab')};
    CHECK(result.host.tlsa == std::vector<dane::Tlsa>{expected});
    CHECK(result.ttl == seconds(400));
}

TEST_CASE("tlsa_lookup: a host without room for the prefix has securely no TLSA records") {
    const std::string label = std::string(63, 'a') + ".";
    for (const auto& [rest, questions] : {std::pair(52U, 3U), std::pair(53U, 2U)}) {
        const std::string host = fmt::format("{0}{0}{0}{1:b>{2}}", label, "", rest);
        VirtualLoop loop;
        FakeResolver resolver(
            loop, fmt::format("zone {0} secure 99\n{0} A secure 300 192.0.2.1\n", host));
        const auto result = loop.run_until_done(dns::tlsa_lookup(loop, resolver, domain(host), 25));
        CHECK(result.host.state == HostState::none);
        CHECK_FALSE(result.host.reason.empty());
        CHECK(resolver.questions().size() == questions);
    }
}

TEST_CASE("tlsa_lookup: cancelled after any number of turns it leaves nothing behind") {
    auto when = dns::TlsaQuestion::after_addresses;
    SUBCASE("TLSA after the addresses") {}
    SUBCASE("TLSA beside them") { when = dns::TlsaQuestion::beside_addresses; }
    const int turns = turns_until_it_ends(aliased, [&](VirtualLoop& loop, FakeResolver& resolver) {
        return dns::tlsa_lookup(loop, resolver, domain("mx.example.com"), 25, when);
    });
    // Addresses, CNAME and TLSA are three steps, so there were steps to be cancelled at.
    CHECK(turns > 4);
}

} // namespace
} // namespace postseal::test
