// SPDX-License-Identifier: BSD-3-Clause
#include "async/timeout.h"
#include "dns/cancelled.h"
#include "dns/mx_lookup.h"
#include "support/fake_resolver.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace postseal::test {
namespace {

using verdict::HostState;
using verdict::Mx;
using verdict::MxState;

Nexthop nexthop(std::string_view key) { return Nexthop::parse(key).value(); }

std::string many_hosts(unsigned count) {
    std::string out = "zone example.com secure 500\n";
    for (unsigned i = 0; i < count; i++)
        out += fmt::format("example.com MX secure 600 {0} mx{0:02}.example.com\n"
                           "mx{0:02}.example.com A secure 700 192.0.2.{0}\n"
                           "mx{0:02}.example.com * delay 100\n",
                           count - i);
    return out;
}

TEST_CASE("mx_lookup: 128 hosts are looked up, by preference; the rest is counted") {
    for (const unsigned count : {31U, 33U, 100U, 128U, 129U, 200U}) {
        VirtualLoop loop;
        FakeResolver resolver(loop, many_hosts(count));
        const Mx mx = loop.run_until_done(dns::mx_lookup(loop, resolver, nexthop("example.com")));
        CHECK(mx.hosts.size() == std::min(count, 128U));
        CHECK(mx.beyond == (count > 128 ? count - 128 : 0));
        CHECK(mx.hosts.front().name.name() == "mx01.example.com");
        CHECK(mx.hosts.back().name.name() ==
              fmt::format("mx{:02}.example.com", std::min(count, 128U)));
        for (const auto& host : mx.hosts)
            CHECK(host.state == HostState::none);
        CHECK(resolver.count("mx129.example.com A") == 0);
        CHECK(resolver.max_in_flight() <= 6); // two hosts: A, AAAA and TLSA
    }
}

TEST_CASE("mx_lookup: two hosts are looked up at the same time") {
    VirtualLoop loop;
    FakeResolver resolver(loop, many_hosts(32));
    const MonoTime begin = loop.now();
    const Mx mx = loop.run_until_done(dns::mx_lookup(loop, resolver, nexthop("example.com")));
    CHECK(mx.ttl == seconds(500));
    // AAAA is answered by the "*" line after 100 ms.
    CHECK(loop.now() - begin == 16 * milliseconds(100));
    CHECK(resolver.max_in_flight() == 6);
}

// Hosts mx00 to mx31; those from `first` to `last` are never answered.
std::string silent_hosts(unsigned first, unsigned last, std::string_view how = "failed timeout") {
    std::string out = "example.com MX delay 1\n";
    for (unsigned i = 0; i < 32; i++) {
        out += fmt::format("example.com MX insecure 600 {0} mx{0:02}.example.com\n", i);
        if (i >= first && i <= last)
            out += fmt::format("mx{0:02}.example.com * {1}\n", i, how);
        else
            out += fmt::format("mx{0:02}.example.com A insecure 700 192.0.2.{0}\n", i);
    }
    return out;
}

std::size_t hosts_asked_for(const FakeResolver& resolver) {
    std::size_t asked = 0;
    for (unsigned i = 0; i < 32; i++)
        asked += resolver.count(fmt::format("mx{:02}.example.com A", i));
    return asked;
}

TEST_CASE("mx_lookup: of a domain whose hosts all fail, two are looked up") {
    VirtualLoop loop;
    FakeResolver resolver(loop, silent_hosts(0, 31));
    const Mx mx = loop.run_until_done(dns::mx_lookup(loop, resolver, nexthop("example.com")));
    CHECK(hosts_asked_for(resolver) == 2);
    REQUIRE(mx.hosts.size() == 32);
    for (const auto& host : mx.hosts) {
        CHECK(host.state == HostState::failed);
        CHECK(host.lookup == verdict::HostLookup::ended);
    }
    CHECK(mx.hosts[31].reason ==
          "mx31.example.com was not looked up, for the lookups of 2 other hosts failed");
    CHECK(mx.ttl == seconds(0));
}

TEST_CASE("mx_lookup: those that fail after others were found are two at most, too") {
    for (const unsigned first : {1U, 2U, 15U, 29U}) {
        CAPTURE(first);
        VirtualLoop loop;
        FakeResolver resolver(loop, silent_hosts(first, 31));
        const Mx mx = loop.run_until_done(dns::mx_lookup(loop, resolver, nexthop("example.com")));
        CHECK(hosts_asked_for(resolver) == first + 2);
        CHECK(mx.hosts[first - 1].state == HostState::none);
    }
}

TEST_CASE("mx_lookup: one host that fails holds nobody back") {
    for (const unsigned bad : {0U, 1U, 16U, 31U}) {
        CAPTURE(bad);
        VirtualLoop loop;
        FakeResolver resolver(loop, silent_hosts(bad, bad));
        const Mx mx = loop.run_until_done(dns::mx_lookup(loop, resolver, nexthop("example.com")));
        for (unsigned i = 0; i < 32; i++)
            CHECK((mx.hosts[i].state == HostState::failed) == (i == bad));
        CHECK(hosts_asked_for(resolver) == 32);
    }
}

TEST_CASE("mx_lookup: while two hosts are silent no other is asked for") {
    VirtualLoop loop;
    FakeResolver resolver(loop, silent_hosts(0, 31, "hang"));
    auto lookup = async::with_timeout(loop, dns::mx_lookup(loop, resolver, nexthop("example.com")),
                                      milliseconds(60'000));
    CHECK_FALSE(loop.run_until_done(std::move(lookup)).has_value());
    CHECK(hosts_asked_for(resolver) == 2);
}

// Two hosts of a provider whose DNS is dead, then two of another.
constexpr std::string_view two_providers = R"(
example.com MX delay 1
example.com MX insecure 600 10 mx1.{0}
example.com MX insecure 600 20 mx2.{0}
example.com MX insecure 600 30 mx3.{0}
example.com MX insecure 600 40 mx1.{1}
example.com MX insecure 600 50 mx2.{1}
mx1.{0} * {2}
mx2.{0} * {2}
mx3.{0} * {2}
mx1.{1} A insecure 700 192.0.2.1
mx2.{1} A insecure 700 192.0.2.2
)";

TEST_CASE("mx_lookup: hosts of a provider whose DNS is dead do not hide those of another") {
    struct Providers {
        const char* dead;
        const char* other;
        bool told_apart = true;
    };
    for (const Providers& providers :
         {Providers{"dead.example", "sound.example"}, Providers{"dead.co.uk", "sound.co.uk"},
          Providers{"a.dead.example", "b.sound.example"},
          Providers{"a.single.example", "b.single.example", false}}) {
        CAPTURE(providers.dead);
        VirtualLoop loop;
        FakeResolver resolver(
            loop, fmt::format(two_providers, providers.dead, providers.other, "failed timeout"));
        const Mx mx = loop.run_until_done(dns::mx_lookup(loop, resolver, nexthop("example.com")));
        REQUIRE(mx.hosts.size() == 5);
        for (std::size_t i = 0; i < 3; i++)
            CHECK(mx.hosts[i].state == HostState::failed);
        for (std::size_t i = 3; i < 5; i++)
            CHECK((mx.hosts[i].state == HostState::none) == providers.told_apart);
        CHECK(resolver.count(fmt::format("mx3.{} A", providers.dead)) == 0);
    }
}

TEST_CASE("mx_lookup: one provider's silence does not hold another's hosts") {
    VirtualLoop loop;
    FakeResolver resolver(loop,
                          fmt::format(two_providers, "dead.example", "sound.example", "hang"));
    Mx mx;
    auto lookup = async::with_timeout(
        loop, dns::mx_lookup(loop, resolver, nexthop("example.com"), &mx), milliseconds(5'000));
    CHECK_FALSE(loop.run_until_done(std::move(lookup)).has_value());
    REQUIRE(mx.hosts.size() == 5);
    CHECK(mx.hosts[3].state == HostState::none);
    CHECK(mx.hosts[4].state == HostState::none);
}

TEST_CASE("mx_lookup: of many parties whose hosts all fail, three hosts are looked up") {
    std::string text = "example.com MX delay 1\n";
    for (unsigned i = 0; i < 32; i++)
        text += fmt::format("example.com MX insecure 600 {0} mx.party{0:02}.example\n"
                            "mx.party{0:02}.example * failed timeout\n",
                            i);
    VirtualLoop loop;
    FakeResolver resolver(loop, text);
    const Mx mx = loop.run_until_done(dns::mx_lookup(loop, resolver, nexthop("example.com")));
    std::size_t asked = 0;
    for (unsigned i = 0; i < 32; i++)
        asked += resolver.count(fmt::format("mx.party{:02}.example A", i));
    CHECK(asked == 3);
    CHECK(mx.hosts.size() == 32);
}

constexpr std::string_view stepwise = R"(
zone example.com secure 500
example.com MX secure 600 10 fast.example.com
example.com MX secure 600 20 slow.example.com
example.com MX delay 1000
fast.example.com A secure 700 192.0.2.1
_25._tcp.fast.example.com TLSA secure 800 3 1 1 ab*32
slow.example.com A secure 700 192.0.2.2
_25._tcp.slow.example.com TLSA hang
)";

TEST_CASE("mx_lookup: progress shows what was known at a deadline") {
    VirtualLoop loop;
    FakeResolver resolver(loop, stepwise);
    Mx progress;
    progress.state = MxState::secure;
    progress.ttl = seconds(77);
    Flag flag;
    async::Outcome<Mx> outcome;
    const auto driver = async::drive_into(
        static_cast<async::Done&>(flag),
        dns::mx_lookup(loop, resolver, nexthop("example.com"), &progress), outcome);

    CHECK(progress.state == MxState::failed);
    CHECK(progress.hosts.empty());
    CHECK(progress.ttl == seconds(0));
    CHECK(progress.reason == "no answer yet");

    loop.advance(milliseconds(999));
    CHECK(progress.state == MxState::failed);

    loop.advance(milliseconds(5000));
    CHECK(progress.state == MxState::secure);
    CHECK(progress.reason.empty());
    CHECK(progress.ttl == seconds(0));
    REQUIRE(progress.hosts.size() == 2);
    CHECK(progress.hosts[0].state == HostState::usable);
    CHECK(progress.hosts[0].preference == 10);
    CHECK(progress.hosts[0].reason.empty());
    CHECK(progress.hosts[1].state == HostState::failed);
    CHECK(progress.hosts[1].preference == 20);
    CHECK(progress.hosts[1].reason ==
          "the address and TLSA lookups of slow.example.com have not ended yet");
    CHECK_FALSE(flag.set);
}

TEST_CASE("mx_lookup: progress is the result in the end") {
    VirtualLoop loop;
    FakeResolver resolver(loop, stepwise);
    resolver.set("_25._tcp.slow.example.com TLSA failed SERVFAIL");
    Mx progress;
    const Mx mx =
        loop.run_until_done(dns::mx_lookup(loop, resolver, nexthop("example.com"), &progress));
    CHECK(progress == mx);
    CHECK(mx.hosts[1].state == HostState::failed);
    CHECK(mx.ttl == seconds(0));
}

TEST_CASE("mx_lookup: progress of a literal host") {
    VirtualLoop loop;
    FakeResolver resolver(loop, "mx.example.com * hang");
    Mx progress;
    Flag flag;
    async::Outcome<Mx> outcome;
    const auto driver = async::drive_into(
        static_cast<async::Done&>(flag),
        dns::mx_lookup(loop, resolver, nexthop("[mx.example.com]"), &progress), outcome);
    loop.advance(std::chrono::minutes(1));
    CHECK(progress.state == MxState::secure);
    REQUIRE(progress.hosts.size() == 1);
    CHECK(progress.hosts[0].state == HostState::failed);
    CHECK_FALSE(flag.set);
}

TEST_CASE("mx_lookup: cancelled after any number of turns it leaves nothing behind") {
    const int turns = turns_until_it_ends(stepwise, [](VirtualLoop& loop, FakeResolver& resolver) {
        resolver.set("_25._tcp.slow.example.com TLSA delay 10");
        return dns::mx_lookup(loop, resolver, nexthop("example.com"));
    });
    CHECK(turns > 6);
}

} // namespace
} // namespace postseal::test
