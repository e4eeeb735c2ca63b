// SPDX-License-Identifier: BSD-3-Clause
#include "engine/refresh.h"

#include "engine/living_field.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

using std::chrono::days;

constexpr auto dane_world = R"(
zone example.com secure 3000
example.com MX secure 3000 10 mx.example.com
mx.example.com A secure 3000 192.0.2.1
_25._tcp.mx.example.com TLSA secure 1000 3 1 1 ab*32
)";

constexpr auto enforce = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 864000\n";

std::string sts_world(const std::string& domain) {
    return fmt::format("zone {0} insecure 3600\n"
                       "{0} MX insecure 3600 10 mx.example.org\n"
                       "_mta-sts.{0} TXT insecure 3600 \"v=STSv1; id=one;\"\n",
                       domain);
}

struct Sts : LivingField {
    using LivingField::LivingField;
    Sts() {
        resolver.set(sts_world("example.org"));
        fetcher.serve("example.org", enforce);
    }
    store::StsRow row(const std::string& domain = "example.org") {
        const Domain name = Domain::parse(domain).value();
        return loop.run_until_done(store.load(name, ""))
            .sts.value_or(store::StsRow{.domain = name});
    }
};

bool known(LivingField& field, const char* key) { return field.engine->find(key) != nullptr; }

} // namespace

TEST_CASE("what is in use is looked up again at 80 % of its time, and is always known") {
    LivingField field;
    field.resolver.set(dane_world);
    field.ask("example.com");
    field.resolver.forget_questions();
    field.loop.advance(799s);
    CHECK(field.resolver.count("example.com MX") == 0);
    field.loop.advance(2s);
    CHECK(field.resolver.count("example.com MX") == 1);
    for (int minute = 0; minute < 600; minute++) {
        field.loop.advance(1min);
        REQUIRE(known(field, "example.com"));
    }
    CHECK(field.resolver.count("example.com MX") == 1 + 36000 / 800);
}

TEST_CASE("chance moves the prefetch between 75 % and 85 %") {
    for (const auto& [chance, first] : {std::pair(0.0, 750s), std::pair(0.99, 849s)}) {
        LivingField field;
        field.random.set(chance);
        field.resolver.set(dane_world);
        field.ask("example.com");
        field.resolver.forget_questions();
        field.loop.advance(first - 1s);
        CHECK(field.resolver.count("example.com MX") == 0);
        field.loop.advance(2s);
        CHECK(field.resolver.count("example.com MX") == 1);
    }
}

TEST_CASE("what nobody has asked for in 7 days is left alone; a question counts as use") {
    LivingField field;
    field.resolver.set(dane_world);
    field.ask("example.com");
    field.loop.advance(days(5));
    SUBCASE("asked once") {
        field.loop.advance(days(2) + 20min);
        CHECK_FALSE(known(field, "example.com"));
        field.resolver.forget_questions();
        field.loop.advance(days(9));
        CHECK(field.resolver.questions().empty());
    }
    SUBCASE("asked again, and answered from memory") {
        CHECK(known(field, "example.com"));
        field.loop.advance(days(6));
        CHECK(known(field, "example.com"));
        field.loop.advance(days(2));
        CHECK(known(field, "example.com")); // the question three lines above
        field.loop.advance(days(8));
        CHECK_FALSE(known(field, "example.com"));
    }
}

TEST_CASE("a failed prefetch leaves what is known until its end, and is tried again before") {
    LivingField field;
    field.resolver.set(dane_world);
    REQUIRE(field.reply("example.com") == "12:OK dane-only,");
    field.resolver.set("example.com MX failed SERVFAIL");
    field.resolver.forget_questions();
    field.loop.advance(999s);
    CHECK(field.resolver.count("example.com MX") >= 3);
    REQUIRE(known(field, "example.com"));
    CHECK(field.reply("example.com") == "12:OK dane-only,");
    SUBCASE("at its end the table's rows for failures count") {
        field.loop.advance(2s);
        CHECK(field.row("example.com") == 5);
    }
    SUBCASE("back in time: nobody has noticed") {
        field.resolver.set(dane_world);
        field.loop.advance(5min);
        CHECK(known(field, "example.com"));
        CHECK(field.reply("example.com") == "12:OK dane-only,");
    }
}

TEST_CASE("a failing destination that promises nothing is looked at again when somebody asks") {
    LivingField field;
    SUBCASE("its MX lookup fails") { field.resolver.set("example.com MX failed SERVFAIL"); }
    SUBCASE("a host's lookups fail") {
        field.resolver.set("example.com MX insecure 600 10 mx.example.com\n"
                           "mx.example.com A failed SERVFAIL\n"
                           "mx.example.com AAAA failed SERVFAIL");
    }
    CHECK((field.row("example.com") == 5 || field.row("example.com") == 12));
    field.resolver.forget_questions();
    field.loop.advance(days(7));
    CHECK(field.resolver.questions().empty());
    field.resolver.set(dane_world);
    CHECK(field.reply("example.com") == "12:OK dane-only,");
}

TEST_CASE("a failing destination that promised DANE is looked at again without a question") {
    LivingField field;
    field.resolver.set(dane_world);
    REQUIRE(field.reply("example.com") == "12:OK dane-only,");
    field.resolver.set("example.com MX failed SERVFAIL");
    field.loop.advance(1h);
    field.resolver.forget_questions();
    field.loop.advance(24h);
    const auto asked = field.resolver.count("example.com MX");
    CHECK(asked >= 5);
    CHECK(asked <= 12);
    field.resolver.set(dane_world);
    field.loop.advance(4h);
    REQUIRE(known(field, "example.com"));
    CHECK(field.reply("example.com") == "12:OK dane-only,");
}

TEST_CASE("a new id is seen, and fetched, without a question") {
    Sts field;
    field.reply("example.org");
    field.resolver.set("_mta-sts.example.org TXT insecure 3600 \"v=STSv1; id=two;\"");
    field.fetcher.serve("example.org", "version: STSv1\nmode: testing\nmx: a\nmax_age: 864000\n");
    field.loop.advance(1h);
    CHECK(field.fetcher.fetches() == 2);
    REQUIRE(known(field, "example.org"));
    CHECK(field.reply("example.org") == "9:NOTFOUND ,");
}

TEST_CASE("a failed fetch is tried again when its back-off ends, while the answer stands") {
    Sts field;
    field.fetcher.fail("example.org", https::FetchFault::connect, "refused");
    field.ask("example.org");
    field.fetcher.serve("example.org", enforce);
    field.fetcher.delay(5s);
    field.loop.advance(302s);
    CHECK(field.fetcher.fetches() == 2);
    CHECK(known(field, "example.org"));
    field.loop.advance(4s);
    CHECK(known(field, "example.org"));
    CHECK(field.reply("example.org").find("secure") != std::string::npos);
}

TEST_CASE("no policy is so short that it is looked at all the time") {
    Sts field;
    std::size_t most = 0;
    SUBCASE("max_age 0") {
        field.fetcher.serve("example.org", "version: STSv1\nmode: enforce\nmx: a\nmax_age: 0\n");
        most = 5; // with the record's TTL
    }
    SUBCASE("max_age 20") {
        field.fetcher.serve("example.org", "version: STSv1\nmode: enforce\nmx: a\nmax_age: 20\n");
        most = 1000; // at 80 % of its life
    }
    field.ask("example.org");
    field.loop.advance(4h);
    CHECK(field.fetcher.fetches() <= most + 1);
    CHECK(field.fetcher.fetches() >= 4);
}

TEST_CASE("prefetches at work at once are few, and clients come first") {
    LivingField field({.prefetches = 3}, {.lookups = 4});
    const auto set_all = [&](int delay) {
        for (int i = 0; i < 40; i++)
            field.resolver.set(fmt::format("d{0}.example MX insecure 600 0 .\n"
                                           "d{0}.example MX delay {1}\n",
                                           i, delay));
    };
    set_all(10);
    for (int i = 0; i < 40; i++)
        field.ask(fmt::format("d{}.example", i));
    set_all(5000);
    std::size_t most = 0;
    for (int second = 0; second < 1000; second++) {
        field.loop.advance(1s);
        most = std::max(most, field.refresh->prefetching());
    }
    CHECK(most == 3);
    field.resolver.set(dane_world);
    const MonoTime begin = field.loop.now();
    const auto answer = field.loop.run_until_done(
        field.engine->answer(Nexthop::parse("example.com").value(), &field));
    CHECK(answer->verdict.row == 6);
    CHECK(field.loop.now() - begin < 100ms);
}

TEST_CASE("a policy is fetched again once a day, though nobody asks and TXT says nothing") {
    Sts field;
    field.ask("example.org");
    SUBCASE("TXT as it was") {}
    SUBCASE("TXT gone") { field.resolver.set("_mta-sts.example.org TXT insecure 600 nodata"); }
    SUBCASE("TXT fails") { field.resolver.set("_mta-sts.example.org TXT failed SERVFAIL"); }
    SUBCASE("after a restart") { field.restart(); }
    const WallTime first = field.row().fetched_at;
    field.loop.advance(22h);
    CHECK(field.fetcher.fetches() == 1);
    field.loop.advance(2h);
    CHECK(field.fetcher.fetches() == 2);
    CHECK(field.row().fetched_at - first > 22h);
    CHECK(field.row().expires_at == field.row().fetched_at + days(10));
    CHECK(field.row().id == "one");
    field.loop.advance(days(30));
    CHECK(field.fetcher.fetches() >= 30);
    CHECK(field.fetcher.fetches() <= 35);
    CHECK(field.row().expires_at > field.clock.now() + days(8));
}

TEST_CASE("a failed refresh shortens nothing and backs off, across restarts") {
    Sts field;
    field.ask("example.org");
    const WallTime end = field.row().expires_at;
    field.fetcher.fail("example.org", https::FetchFault::tls, "handshake failed");
    field.loop.advance(24h);
    const std::size_t tried = field.fetcher.fetches();
    CHECK(tried > 1);
    CHECK(field.row().expires_at == end);
    CHECK(field.row().failures == tried - 1);
    for (int hour = 0; hour < 24; hour++) {
        field.restart();
        field.loop.advance(1h);
    }
    CHECK(field.fetcher.fetches() - tried <= 24);
    CHECK(field.fetcher.fetches() - tried >= 22);
    CHECK(field.row().expires_at == end);
    field.fetcher.serve("example.org", enforce);
    field.loop.advance(61min);
    CHECK(field.row().failures == 0);
    CHECK(field.row().expires_at > end + days(1));
}

TEST_CASE("a policy of a short life never expires while its host serves it") {
    Sts field;
    seconds life{};
    std::size_t fetches = 0; // in ten lives
    SUBCASE("13 s") { life = 13s; }
    SUBCASE("a minute") { life = 60s; }
    SUBCASE("5 minutes") { life = 300s; }
    SUBCASE("10 minutes") { life = 600s; }
    SUBCASE("an hour") { life = 1h; }
    SUBCASE("12 hours") { life = 12h; }
    SUBCASE("a day") { life = 24h; }
    SUBCASE("asked for once, after a restart") {
        life = 100s;
        fetches = 1;
    }
    field.fetcher.serve("example.org",
                        fmt::format("version: STSv1\nmode: enforce\nmx: mx.example.org\n"
                                    "max_age: {}\n",
                                    life.count()));
    field.ask("example.org");
    if (fetches > 0) field.restart();
    const std::size_t before = field.fetcher.fetches();
    for (int part = 0; part < 1000; part++) {
        field.loop.advance(milliseconds(life) / 100);
        REQUIRE(field.row().expires_at > field.clock.now());
    }
    CHECK(field.fetcher.fetches() - before >= 9);
    CHECK(field.fetcher.fetches() - before <= 15); // and by what is in use
}

TEST_CASE("a host that is back for half of what is left of a policy's life renews it") {
    constexpr auto body = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: {}\n";
    const auto renewed = [&](seconds life, double from, double until) {
        Sts field;
        field.fetcher.serve("example.org", fmt::format(body, life.count()));
        field.ask("example.org");
        const WallTime end = field.row().expires_at;
        const milliseconds left = milliseconds(life) / 5; // after the first refresh
        const auto at = [&](double part) {
            const auto wait = static_cast<double>(left.count()) * part;
            field.loop.advance(end - left + milliseconds(static_cast<std::int64_t>(wait)) -
                               field.clock.now());
        };
        field.fetcher.fail("example.org", https::FetchFault::connect, "refused");
        at(from);
        field.fetcher.serve("example.org", fmt::format(body, life.count()));
        at(until);
        return field.row().expires_at > end;
    };
    for (const seconds life : {seconds(300s), seconds(600s), seconds(1h), seconds(12h)}) {
        CAPTURE(life.count());
        for (const double from : {0.02, 0.1, 0.3, 0.45}) {
            CAPTURE(from);
            CHECK(renewed(life, from, from + 0.52));
        }
    }
}

TEST_CASE("the end of a policy that nobody renewed is told once, and its refresh ends") {
    Sts field;
    field.ask("example.org");
    const WallTime end = field.row().expires_at;
    field.fetcher.fail("example.org", https::FetchFault::connect, "refused");
    field.loop.advance(end - field.clock.now() + 9min);
    CHECK(field.engine->downgrades().count() == 0);
    field.loop.advance(20min);
    CHECK(field.engine->downgrades().count() == 1);
    CHECK(field.engine->downgrades().last() == "example.org: enforce -> expired");
    const std::size_t tried = field.fetcher.fetches();
    field.restart();
    field.loop.advance(days(9));
    CHECK(field.engine->downgrades().count() == 0);
    CHECK(field.fetcher.fetches() == tried);
    CHECK(field.row().body == enforce);
}

TEST_CASE("what was due for long is worked off at a steady rate, the longest due first") {
    Sts field({.fetches = 4, .between_fetches = 100ms});
    const WallTime now = field.clock.now();
    for (int i = 0; i < 200; i++) {
        const std::string name = fmt::format("d{}.example", i);
        field.resolver.set(sts_world(name));
        field.fetcher.serve(name, enforce);
        // Saved in no order of time.
        const auto since = std::chrono::minutes((i * 37) % 200 + 1);
        field.store.save(store::StsRow{.domain = Domain::parse(name).value(),
                                       .body = enforce,
                                       .id = "one",
                                       .fetched_at = now - days(2) - since,
                                       .expires_at = now + days(8),
                                       .refresh_at = now - since});
    }
    field.restart();
    const auto done = [&] {
        std::vector<int> dues;
        for (int i = 0; i < 200; i++)
            if (field.row(fmt::format("d{}.example", i)).fetched_at >= now)
                dues.push_back((i * 37) % 200 + 1);
        return dues;
    };
    SUBCASE("by the rate") {
        field.loop.advance(5s);
        const auto dues = done();
        CHECK(dues.size() >= 45);
        CHECK(dues.size() <= 51);
        CHECK(*std::ranges::min_element(dues) > 145); // minutes
    }
    SUBCASE("by what may be at work at once, if hosts are slow") {
        field.fetcher.delay(10s);
        std::size_t most = 0;
        for (int i = 0; i < 100; i++) {
            field.loop.advance(1s);
            most = std::max(most, field.refresh->fetching());
        }
        CHECK(most == 4);
        CHECK(done().size() >= 36);
        CHECK(done().size() <= 40);
    }
    SUBCASE("to the end, each once") {
        field.loop.advance(1h);
        CHECK(done().size() == 200);
        CHECK(field.fetcher.fetches() == 200);
    }
}

TEST_CASE("a row of an older version that is backing off waits for its time") {
    Sts field;
    const WallTime now = field.clock.now();
    field.store.save(store::StsRow{.domain = Domain::parse("example.org").value(),
                                   .body = enforce,
                                   .id = "one",
                                   .fetched_at = now - days(2),
                                   .expires_at = now + days(8),
                                   .failures = 3,
                                   .failed_id = "two",
                                   .retry_at = now + 15min,
                                   .refresh_at = now - days(1)});
    field.restart();
    field.loop.advance(14min);
    CHECK(field.resolver.questions().empty());
    field.loop.advance(2min);
    CHECK(field.fetcher.fetches() == 1);
}

TEST_CASE("refreshing may end at any moment") {
    for (int turns = 0; turns < 80; turns++) {
        Sts field({.prefetches = 2, .fetches = 2, .between_fetches = 1ms});
        field.resolver.set(dane_world);
        field.resolver.set(sts_world("example.org"));
        field.fetcher.serve("example.org", enforce);
        field.ask("example.com");
        field.ask("example.org");
        field.clock.jump(days(1)); // the refresh beside the prefetch
        field.loop.advance(780s);
        for (int i = 0; i < turns; i++)
            field.loop.turn();
        if (turns % 2 == 0)
            field.end();
        else
            field.restart();
        field.loop.advance(1h);
    }
}
