// engine/wrong_clock_test.cpp: what a wall clock that is wrong must not do to what is remembered
// SPDX-License-Identifier: BSD-3-Clause
#include "engine/housekeeping.h"
#include "engine/living_field.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

using std::chrono::days;

constexpr auto enforce = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 864000\n";

struct WrongClock : LivingField {
    WrongClock() {
        resolver.set("example.org MX insecure 3600 10 mx.example.org\n"
                     "_mta-sts.example.org TXT insecure 3600 \"v=STSv1; id=one;\"\n");
        serve();
        ask("example.org");
    }
    void serve() { fetcher.serve("example.org", enforce); }
    void host_fails() { fetcher.fail("example.org", https::FetchFault::cert_expired, "the clock"); }
    // The clock is as somebody has set it when the daemon starts; no NTP client has spoken yet.
    void restart_with(milliseconds jump) {
        end();
        clock.jump(jump);
        restart();
    }
    // The machine is started.
    void reboot_with(milliseconds jump) {
        clock.reboot();
        restart_with(jump);
    }
    void corrected(milliseconds jump) {
        clock.jump(jump);
        clock.synchronise();
    }
    [[nodiscard]] bool enforced() {
        return ask("example.org")->verdict.level == verdict::Level::secure;
    }
    store::StsRow row() {
        return loop.run_until_done(store.load(Domain::parse("example.org").value(), ""))
            .sts.value();
    }
};

} // namespace

TEST_CASE("a start with a clock 400 days ahead costs no policy and no refresh") {
    WrongClock field;
    SUBCASE("no host can be asked, as certificates have expired by then") { field.host_fails(); }
    SUBCASE("a fetch succeeds") {}
    SUBCASE("of the daemon") { field.restart_with(days(400)); }
    SUBCASE("of the machine") { field.reboot_with(days(400)); }
    CHECK(field.enforced());
    field.loop.advance(8s);
    CHECK(field.enforced());
    SUBCASE("corrected in use") { field.corrected(-days(400)); }
    SUBCASE("corrected between two runs") {
        field.restart_with(-days(400));
        field.clock.synchronise();
    }
    SUBCASE("corrected before the machine is started again") {
        field.reboot_with(-days(400));
        field.clock.synchronise();
    }
    field.serve();
    CHECK(field.enforced());
    const std::size_t before = field.fetcher.fetches();
    for (int day = 0; day < 12; day++) {
        field.loop.advance(days(1));
        REQUIRE(field.enforced());
    }
    CHECK(field.fetcher.fetches() >= before + 11);
    CHECK(field.row().expires_at <= field.clock.now() + days(10));
    CHECK(field.engine->downgrades().count() == 0);
}

TEST_CASE("a start with a clock 800 days ahead prunes nothing") {
    WrongClock field;
    field.store.save(store::HistoryRow{.nexthop = "example.org", .at = field.clock.now()});
    field.host_fails();
    field.reboot_with(days(800));
    const engine::Housekeeping housekeeping(field.engine->dependencies());
    // Those from before; that the policy ends then is a change of its own.
    const WallTime start = field.clock.now();
    const auto rows = [&] {
        const auto all =
            field.loop.run_until_done(field.store.ask(store::history_of, "example.org", 99));
        return std::ranges::count_if(all, [&](const auto& row) { return row.at < start; });
    };
    const auto before = rows();
    field.loop.advance(23h);
    CHECK(rows() >= before);
    CHECK(field.row().body == enforce);
    SUBCASE("a day of running confirms it") {
        field.loop.advance(26h);
        CHECK(rows() < before);
    }
    SUBCASE("corrected") {
        field.corrected(-days(800));
        field.loop.advance(72h);
        CHECK(rows() >= before);
    }
}

TEST_CASE("a policy past its end by a clock that is not confirmed lives on, but not for ever") {
    WrongClock field;
    field.host_fails();
    field.reboot_with(days(20));
    const std::size_t before = field.fetcher.fetches();
    const auto answer = field.ask("example.org");
    CHECK(answer->verdict.level == verdict::Level::secure);
    CHECK(field.fetcher.fetches() == before + 1); // tried first
    CHECK(std::ranges::any_of(answer->verdict.reasons, [](const std::string& reason) {
        return reason.find("a clock that is not confirmed yet") != std::string::npos;
    }));
    field.loop.advance(23h);
    CHECK(field.enforced());
    CHECK(field.fetcher.fetches() <= before + 30); // by its back-off
    CHECK(field.engine->downgrades().count() == 0);
    SUBCASE("by a day of running") { field.loop.advance(2h); }
    SUBCASE("by the kernel") {
        field.clock.synchronise();
        field.loop.advance(2h);
    }
    CHECK_FALSE(field.enforced());
    CHECK(field.engine->downgrades().count() == 1);
}

TEST_CASE("a daemon started again in the same boot needs no confirmed clock to end a policy") {
    WrongClock field;
    field.host_fails();
    for (int day = 0; day < 10; day++) {
        field.restart_with(day % 2 == 0 ? days(20) : -days(20));
        CHECK(field.enforced());
        field.loop.advance(23h);
    }
    CHECK(field.enforced());
    field.restart_with(0ms);
    field.loop.advance(9h);
    CHECK(field.enforced());
    field.restart_with(0ms);
    field.loop.advance(2h);
    CHECK_FALSE(field.enforced());
}

TEST_CASE("a machine that is started every day with the same date ends a policy all the same") {
    WrongClock field;
    field.host_fails();
    int day = 0;
    for (; field.enforced() && day < 30; day++) {
        field.reboot_with(day == 0 ? 0h : -23h);
        field.loop.advance(23h);
    }
    CHECK(day >= 10);
    CHECK(day <= 14); // of each start's time an hour is not noted
}

TEST_CASE("two policy hosts confirm a clock") {
    WrongClock field;
    field.resolver.set("example.com MX insecure 3600 10 mx.example.org\n"
                       "_mta-sts.example.com TXT insecure 3600 \"v=STSv1; id=one;\"\n");
    field.fetcher.serve("example.com", enforce);
    field.restart_with(0ms);
    const auto said = [&](milliseconds ahead) {
        field.fetcher.dated("example.org", "192.0.2.1", field.clock.now() + ahead);
        field.fetcher.dated("example.com", "192.0.2.2", field.clock.now() + ahead);
        for (const auto* key : {"example.org", "example.com"})
            field.loop.run_until_done(field.engine->refresh(Nexthop::parse(key).value()));
    };
    said(days(1));
    CHECK_FALSE(field.engine->clock_watch().confirmed());
    said(1s);
    CHECK(field.engine->clock_watch().confirmed_by() == engine::ClockWatch::By::hosts);
    CHECK_FALSE(field.row().age.dated); // fetched before
    said(1s);
    CHECK(field.row().age.dated);
}

TEST_CASE("a clock that goes 13 h back after a failed fetch puts off the next try by an hour") {
    WrongClock field;
    SUBCASE("in use, confirmed") {
        field.host_fails();
        field.loop.advance(24h);
        field.clock.jump(-13h);
    }
    SUBCASE("between two runs") {
        field.host_fails();
        field.loop.advance(24h);
        field.restart_with(-13h);
    }
    SUBCASE("in use, not confirmed") {
        field.restart_with(0ms);
        field.host_fails();
        field.loop.advance(24h - 1min);
        field.clock.jump(-13h);
    }
    field.serve();
    field.loop.advance(61min);
    field.ask("example.org");
    field.loop.advance(1s);
    CHECK(field.row().failures == 0);
}

TEST_CASE("a clock that goes back and forth neither lengthens nor shortens a policy's life") {
    WrongClock field;
    const auto life_is = [&](milliseconds used) {
        const milliseconds left = days(10) - used;
        field.loop.advance(left - 2h);
        CHECK(field.enforced());
        field.loop.advance(3h);
        CHECK_FALSE(field.enforced());
    };
    field.host_fails();
    milliseconds used = 0ms;
    const auto pass = [&](milliseconds time) {
        field.loop.advance(time);
        used += time;
    };
    SUBCASE("confirmed") {
        for (int i = 0; i < 10; i++) {
            pass(4h);
            field.clock.jump(i % 2 == 0 ? days(2) : -days(2));
        }
    }
    SUBCASE("not confirmed yet: of this process") {
        field.restart_with(0ms);
        field.serve();
        field.engine->forget(Nexthop::parse("example.org").value());
        field.ask("example.org");
        field.host_fails();
        for (int i = 0; i < 20; i++) {
            pass(2h);
            field.clock.jump(i % 2 == 0 ? days(2) : -days(2));
        }
    }
    SUBCASE("not confirmed yet: of an earlier one") {
        pass(days(5));
        field.reboot_with(0ms);
        for (int i = 0; i < 10; i++) {
            pass(1h);
            field.clock.jump(i % 2 == 0 ? days(2) : -days(2));
        }
        field.clock.synchronise();
    }
    life_is(used);
}

TEST_CASE("a clock that is set while a policy host is waited for ends no policy meanwhile") {
    WrongClock field;
    field.restart_with(-days(20));
    field.resolver.set("_mta-sts.example.org TXT insecure 3600 \"v=STSv1; id=two;\"\n");
    field.fetcher.delay(25s);
    const Field::PendingAnswer asked(field, "example.org");
    field.loop.advance(1s);
    field.clock.jump(days(20));
    field.loop.advance(10s);
    REQUIRE(asked.answer != nullptr);
    CHECK(asked.answer->evidence.partial);
    CHECK(asked.answer->verdict.level == verdict::Level::secure);
    field.loop.advance(20s);
}
