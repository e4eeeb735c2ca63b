// SPDX-License-Identifier: BSD-3-Clause
#include "https/host_lookup.h"

#include "async/timeout.h"
#include "support/fake_resolver.h"
#include "support/virtual_loop.h"
#include "tls/tls_server.h"

#include <doctest/doctest.h>

namespace postseal::https {
namespace {

using namespace tls;

using namespace std::chrono_literals;
using Found = std::expected<std::vector<Address>, FetchError>;

const std::string host = "mta-sts.example.com";
const Address v4 = address_of("192.0.2.1");
const Address v6 = address_of("2001:db8::1");

Found first(std::string_view zone, milliseconds takes = 0ms) {
    test::VirtualLoop loop;
    test::FakeResolver resolver(loop, zone);
    HostLookup lookup(loop, resolver, host);
    const MonoTime begin = loop.now();
    Found found = loop.run_until_done(lookup.next());
    CHECK(loop.now() - begin == takes);
    return found;
}

FetchError dns_error(std::string reason) {
    return {.fault = FetchFault::dns, .reason = std::move(reason)};
}

FetchError no_host(std::string reason) {
    return {.fault = FetchFault::dns, .reason = std::move(reason), .no_host = true};
}

TEST_CASE("host lookup: both families are asked for at once, IPv6 comes first") {
    test::VirtualLoop loop;
    test::FakeResolver resolver(loop, "mta-sts.example.com A secure 60 192.0.2.1\n"
                                      "mta-sts.example.com AAAA secure 60 2001:db8::1\n");
    HostLookup lookup(loop, resolver, host);
    CHECK(resolver.questions() ==
          std::vector<std::string>{"mta-sts.example.com AAAA", "mta-sts.example.com A"});
    CHECK(loop.run_until_done(lookup.next()) == Found({v6, v4}));
    CHECK_FALSE(lookup.more());
}

TEST_CASE("host lookup: one family is enough, whatever became of the other") {
    for (const char* other : {"nodata", "bogus no signature", "failed SERVFAIL"}) {
        CAPTURE(other);
        std::string zone = "mta-sts.example.com A insecure 60 192.0.2.1\n";
        zone += "mta-sts.example.com AAAA ";
        zone += other == std::string_view("nodata") ? "insecure 60 nodata\n"
                                                    : std::string(other) + "\n";
        CHECK(first(zone) == Found({v4}));
    }
    CHECK(first("mta-sts.example.com AAAA insecure 60 2001:db8::1\n"
                "mta-sts.example.com A failed SERVFAIL\n") == Found({v6}));
}

// As the resolver answers where it has asked nobody.
class NotAsked final : public dns::Resolver {
  public:
    explicit NotAsked(dns::Failure why) : why_(why) {}
    async::Task<dns::Answer> resolve(std::string, dns::RrType) override {
        dns::Answer answer;
        answer.failure = why_;
        answer.reason = "not asked within 7.75 s: 128 lookups were before it";
        co_return answer;
    }

  private:
    dns::Failure why_;
};

TEST_CASE("host lookup: what our own queue or library kept from being asked is not a turn") {
    for (const dns::Failure why : {dns::Failure::busy, dns::Failure::library}) {
        test::VirtualLoop loop;
        NotAsked resolver(why);
        HostLookup lookup(loop, resolver, host);
        const Found found = loop.run_until_done(lookup.next());
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().fault == FetchFault::no_turn);
    }
}

TEST_CASE("host lookup: questions that wait for a turn of ours are counted") {
    test::VirtualLoop loop;
    test::FakeResolver resolver(loop, "mta-sts.example.com A secure 60 192.0.2.1\n"
                                      "mta-sts.example.com A queued 3000\n"
                                      "mta-sts.example.com AAAA secure 60 nodata\n");
    std::size_t waits = 0;
    HostLookup lookup(loop, resolver, host, {.client = nullptr, .queued = &waits});
    const auto early = loop.run_until_done(async::with_timeout(loop, lookup.next(), 2s));
    CHECK_FALSE(early.has_value());
    CHECK(waits == 1);
    CHECK(loop.run_until_done(lookup.next()) == Found({v4}));
    CHECK(waits == 0);
}

TEST_CASE("host lookup: no address says why") {
    CHECK(first("example.com MX insecure 60 nodata") ==
          std::unexpected(no_host("mta-sts.example.com does not exist")));
    CHECK(first("mta-sts.example.com TXT insecure 60 nodata") ==
          std::unexpected(no_host("mta-sts.example.com has no address")));
    CHECK(
        first("mta-sts.example.com A bogus signature expired\n"
              "mta-sts.example.com AAAA insecure 60 nodata\n") ==
        std::unexpected(dns_error("A lookup of mta-sts.example.com is bogus: signature expired")));
    CHECK(first("mta-sts.example.com * failed SERVFAIL\n") ==
          std::unexpected(dns_error("AAAA lookup of mta-sts.example.com failed: SERVFAIL; "
                                    "A lookup of mta-sts.example.com failed: SERVFAIL")));
}

TEST_CASE("host lookup: RDATA of a wrong length is not an address") {
    CHECK(first("mta-sts.example.com A insecure 60 \\# c00002\n") ==
          std::unexpected(no_host("mta-sts.example.com has no address")));
}

TEST_CASE("host lookup: a family that is late is waited for a little, then given later") {
    const std::string zone = "mta-sts.example.com A secure 60 192.0.2.1\n"
                             "mta-sts.example.com AAAA secure 60 2001:db8::1\n";
    CHECK(first(zone + "mta-sts.example.com AAAA delay 249\n", 249ms) == Found({v4, v6}));

    test::VirtualLoop loop;
    test::FakeResolver resolver(loop, zone + "mta-sts.example.com AAAA delay 3000\n");
    HostLookup lookup(loop, resolver, host);
    const MonoTime begin = loop.now();
    CHECK(loop.run_until_done(lookup.next()) == Found({v4}));
    CHECK(loop.now() - begin == address_grace);
    CHECK(lookup.more());
    CHECK(loop.run_until_done(lookup.next()) == Found({v6}));
    CHECK(loop.now() - begin == 3000ms);
    CHECK_FALSE(lookup.more());
}

TEST_CASE("host lookup: nothing is waited for when the other family has no address") {
    CHECK(first("mta-sts.example.com A secure 60 192.0.2.1\n"
                "mta-sts.example.com A delay 2000\n"
                "mta-sts.example.com AAAA secure 60 nodata\n",
                2000ms) == Found({v4}));
}

TEST_CASE("host lookup: its end withdraws the questions") {
    test::VirtualLoop loop;
    test::FakeResolver resolver(loop, "mta-sts.example.com * hang\n");
    {
        HostLookup lookup(loop, resolver, host);
        CHECK(resolver.in_flight() == 2);
        CHECK_FALSE(loop.run_until_done(async::with_timeout(loop, lookup.next(), 10s)).has_value());
    }
    CHECK(resolver.in_flight() == 0);
}

} // namespace
} // namespace postseal::https
