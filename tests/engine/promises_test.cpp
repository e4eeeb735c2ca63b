// SPDX-License-Identifier: BSD-3-Clause
#include "engine/living_field.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

std::string policy(const char* mode, int max_age) {
    return fmt::format("version: STSv1\nmode: {}\nmx: mx.example.org\nmax_age: {}\n", mode,
                       max_age);
}

constexpr auto world = R"(
zone example.org insecure 600
example.org MX insecure 600 10 mx.example.org
mx.example.org A insecure 600 192.0.2.2
_mta-sts.example.org TXT insecure 600 "v=STSv1; id=one;"
)";

bool is_secure(const std::string& reply) { return reply.contains(":OK secure match="); }
bool is_temp(const std::string& reply) { return reply.contains(":TEMP "); }

std::string legacy(const engine::Answer& answer) { return answer.replies.at(Field::legacy); }

// What a lookup finds now, whatever memory holds.
std::string refreshed(Field& field) {
    return legacy(
        *field.loop.run_until_done(field.engine->refresh(Nexthop::parse("example.org").value())));
}

} // namespace

TEST_CASE("a policy that ends while its slow host is being asked is not gone meanwhile") {
    Field field;
    field.resolver.set(world);
    field.fetcher.serve("example.org", policy("enforce", 100));
    REQUIRE(is_secure(field.reply("example.org")));
    field.loop.advance(97s);
    field.restart(); // nothing in memory; 3 s are left
    field.fetcher.delay(25s);
    const std::string first = field.reply("example.org"); // 10 s, 7 s after the end
    CHECK(is_secure(first));
    field.loop.advance(6s); // 13 s after the end, the host is being asked
    const std::string second = field.reply("example.org");
    CHECK_MESSAGE(!second.contains("NOTFOUND"), second);
    field.loop.advance(12s);
    CHECK(is_secure(field.reply("example.org"))); // it serves the policy
}

TEST_CASE("a promise seen beside a failed host takes the place of NOTFOUND") {
    Field field;
    field.resolver.set(R"(
zone example.org secure 3600
example.org MX secure 3600 10 mx.example.org
mx.example.org A secure 3600 192.0.2.2
_25._tcp.mx.example.org TLSA secure 3600 nodata
_mta-sts.example.org TXT secure 3600 nodata
)");
    REQUIRE(field.reply("example.org") == "9:NOTFOUND ,");
    field.loop.advance(1min);
    field.resolver.set("_mta-sts.example.org TXT secure 3600 \"v=STSv1; id=one;\"\n"
                       "_25._tcp.mx.example.org TLSA failed SERVFAIL\n");
    field.fetcher.serve("example.org", policy("enforce", 864000));
    CHECK(is_temp(refreshed(field)));
    const std::string next = field.reply("example.org"); // the next mail
    CHECK_MESSAGE(!next.contains("NOTFOUND"), next);
}

TEST_CASE("a promise seen while the store cannot be read takes the place of NOTFOUND") {
    Field field;
    field.resolver.set(R"(
zone example.org insecure 3600
example.org MX insecure 3600 10 mx.example.org
example.org MX insecure 3600 20 mx2.example.org
mx.example.org A insecure 3600 192.0.2.2
mx2.example.org A insecure 3600 192.0.2.3
_mta-sts.example.org TXT insecure 3600 nodata
)");
    REQUIRE(field.reply("example.org") == "9:NOTFOUND ,");
    field.store.break_reads("disk I/O error");
    field.resolver.set("_mta-sts.example.org TXT insecure 3600 \"v=STSv1; id=one;\"\n"
                       "mx2.example.org A failed SERVFAIL\nmx2.example.org AAAA failed SERVFAIL\n");
    field.fetcher.serve("example.org", policy("enforce", 864000));
    CHECK(is_secure(refreshed(field)));
    const std::string next = field.reply("example.org");
    CHECK_MESSAGE(is_secure(next), next);
}

TEST_CASE("a promise seen takes the place of opportunistic dane") {
    Field field;
    field.resolver.set(R"(
zone example.org secure 3600
example.org MX insecure 3600 10 mx.example.org
example.org MX insecure 3600 20 mx2.example.org
mx.example.org A secure 3600 192.0.2.2
mx2.example.org A secure 3600 192.0.2.3
_25._tcp.mx.example.org TLSA secure 3600 3 1 1 ab*32
_25._tcp.mx2.example.org TLSA secure 3600 nodata
_mta-sts.example.org TXT secure 3600 nodata
)");
    REQUIRE(field.reply("example.org") == "7:OK dane,");
    field.resolver.set("_mta-sts.example.org TXT secure 3600 \"v=STSv1; id=one;\"\n"
                       "_25._tcp.mx2.example.org TLSA failed SERVFAIL\n");
    field.fetcher.serve("example.org", policy("enforce", 864000));
    CHECK(is_secure(refreshed(field)));
    const std::string next = field.reply("example.org");
    CHECK_MESSAGE(is_secure(next), next);
}

TEST_CASE("what another node has told meanwhile counts at the deadline") {
    Field field;
    field.resolver.set(world);
    field.fetcher.serve("example.org", policy("enforce", 864000));
    field.fetcher.delay(25s); // this node's way to the policy host is slow
    Field::PendingAnswer first(field, "example.org");
    field.loop.advance(3s);
    // fleet_store.cpp: keep(): the other node's row is saved, then the listener is told.
    const Domain domain = Domain::parse("example.org").value();
    field.store.save(store::StsRow{.domain = domain,
                                   .body = policy("enforce", 864000),
                                   .id = "one",
                                   .fetched_at = field.clock.now(),
                                   .expires_at = field.clock.now() + 240h,
                                   .refresh_at = field.clock.now() + 22h});
    field.engine->outdate(domain);
    field.loop.advance(8s);
    REQUIRE(first.answer);
    CHECK_MESSAGE(is_secure(legacy(*first.answer)), legacy(*first.answer));
    field.loop.advance(2s);
    const std::string second = field.reply("example.org");
    CHECK_MESSAGE(is_secure(second), second);
}

TEST_CASE("an override with an end outlives a clock that is not confirmed") {
    Field field({}, "example.org secure match=mx.example.org # until=2027-01-31\n");
    field.resolver.set(world);
    field.resolver.set("_mta-sts.example.org TXT insecure 3600 nodata\n");
    REQUIRE(is_secure(field.reply("example.org")));
    field.clock.reboot();
    field.clock.jump(24h * 400); // no RTC, before NTP: 2027-12-27
    field.restart();
    const std::string ahead = field.reply("example.org");
    CHECK_MESSAGE(is_secure(ahead), ahead);
    field.loop.advance(8s);
    field.clock.jump(-24h * 400);
    field.clock.synchronise();
    const std::string after = field.reply("example.org"); // and what memory holds by that clock?
    CHECK_MESSAGE(is_secure(after), after);
}

TEST_CASE("policies whose host has no turn for us do not keep all others from renewal") {
    LivingField field;
    const auto add = [&](const std::string& name, milliseconds due) {
        field.resolver.set(fmt::format("zone {0} insecure 3600\n"
                                       "{0} MX insecure 3600 10 mx.example.org\n"
                                       "_mta-sts.{0} TXT insecure 3600 \"v=STSv1; id=one;\"\n",
                                       name));
        field.store.save(store::StsRow{.domain = Domain::parse(name).value(),
                                       .body = policy("enforce", 3600),
                                       .id = "one",
                                       .fetched_at = field.clock.now(),
                                       .expires_at = field.clock.now() + 1h,
                                       .refresh_at = field.clock.now() + due});
    };
    for (int i = 0; i < 64; i++) {
        const std::string name = fmt::format("a{}.example", i);
        add(name, 1min);
        field.fetcher.fail(name, https::FetchFault::no_turn, "no turn within 30 s");
    }
    add("z.example", 2min);
    field.fetcher.serve("z.example", policy("enforce", 3600));
    field.fetcher.delay(5s); // of the real 30 s
    field.loop.advance(50min);
    const auto row =
        field.loop.run_until_done(field.store.load(Domain::parse("z.example").value(), ""))
            .sts.value();
    CHECK(row.expires_at > field.clock.now() + 15min); // it was renewed meanwhile
}

namespace {

// Our own queue of questions is too long for the TXT questions.
class Busy final : public dns::Resolver {
  public:
    explicit Busy(dns::Resolver& inner) : inner_(inner) {}
    async::Task<dns::Answer> resolve(std::string name, dns::RrType type) override {
        if (busy && type == dns::RrType::txt) {
            dns::Answer answer;
            answer.failure = dns::Failure::busy; // unbound.cpp:179
            answer.reason = "not asked within 7.75 s: 128 lookups were before it";
            co_return answer;
        }
        co_return co_await inner_.resolve(std::move(name), type);
    }
    bool busy = true;

  private:
    dns::Resolver& inner_;
};

} // namespace

TEST_CASE("a record that our own queue kept from being asked for is not absent") {
    Field field;
    field.resolver.set(world);
    field.fetcher.serve("example.org", policy("enforce", 864000));
    Busy busy(field.resolver);
    engine::Engine engine(
        {field.loop, field.clock, busy, field.fetcher, field.store, field.log, field.random},
        field.maps, field.overrides, field.options);
    const auto answer =
        field.loop.run_until_done(engine.answer(Nexthop::parse("example.org").value()));
    CHECK_MESSAGE(!legacy(*answer).contains("NOTFOUND"), legacy(*answer));
}

TEST_CASE("a policy that ends during its lookup and is fetched again is not gone at the "
          "deadline") {
    Field field;
    field.resolver.set(world);
    field.fetcher.serve("example.org", policy("enforce", 5));
    REQUIRE(is_secure(field.reply("example.org")));
    field.restart();
    field.resolver.set("example.org MX delay 5500\n");
    field.fetcher.delay(6s);
    const std::string reply = field.reply("example.org");
    CHECK_MESSAGE(!reply.contains("NOTFOUND"), reply);
}

TEST_CASE("memory does not outlast the clock that it was made by") {
    Field field({}, "example.org secure match=mx.example.org # until=2027-01-31\n");
    field.resolver.set(world);
    field.resolver.set("_mta-sts.example.org TXT insecure 3600 nodata\n");
    field.clock.jump(24h * 400);
    field.restart();
    const std::string ahead = field.reply("example.org");
    field.clock.jump(-24h * 400);
    field.clock.synchronise();
    field.loop.advance(8s);
    [[maybe_unused]] const std::string notices = field.reply("example.net");
    const std::string after = field.reply("example.org");
    CHECK_MESSAGE(is_secure(after), after);
}

TEST_CASE("an override that comes while a fetch hangs holds at once") {
    Field field;
    field.resolver.set(world);
    field.fetcher.serve("example.org", policy("enforce", 864000));
    field.fetcher.delay(29s);
    Field::PendingAnswer first(field, "example.org");
    field.loop.advance(3s);
    field.engine->reconfigure(
        field.maps,
        engine::Overrides::parse("example.org secure match=mx.example.org\n", "overrides").value(),
        field.options);
    field.loop.advance(8s);
    REQUIRE(first.answer);
    CHECK_MESSAGE(is_secure(legacy(*first.answer)), legacy(*first.answer));
    const std::string second = field.reply("example.org");
    CHECK_MESSAGE(is_secure(second), second);
}

TEST_CASE("what our unconfirmed clock makes fail is not the policy host's failure") {
    Field field;
    field.resolver.set(world);
    field.clock.jump(24h * 400);
    field.restart();
    field.fetcher.fail("example.org", https::FetchFault::cert_expired, "not yet, by our clock");
    [[maybe_unused]] const std::string ahead = field.reply("example.org");
    const auto loaded = field.loop.run_until_done(
        field.store.load(Domain::parse("example.org").value(), "example.org"));
    field.clock.jump(-24h * 400);
    field.clock.synchronise();
    [[maybe_unused]] const std::string notices = field.reply("example.net");
    field.fetcher.serve("example.org", policy("enforce", 864000));
    field.loop.advance(8s);
    const std::string after = field.reply("example.org"); // memory says NOTFOUND for 5 min
    CHECK_MESSAGE(is_secure(after), after);
}

TEST_CASE("a policy that a refresh has fetched counts for what memory holds, too") {
    Field field;
    field.resolver.set(world);
    field.fetcher.serve("example.org", policy("testing", 864000));
    REQUIRE(field.reply("example.org") == "9:NOTFOUND ,");
    const Domain domain = Domain::parse("example.org").value();
    auto row = field.loop.run_until_done(field.store.load(domain, "")).sts.value();
    row.refresh_at = field.clock.now();
    field.store.save(row);
    field.fetcher.serve("example.org", policy("enforce", 864000));
    field.loop.run_until_done(field.engine->refresh_policy(domain));
    const std::string reply = field.reply("example.org");
    CHECK_MESSAGE(is_secure(reply), reply);
}
