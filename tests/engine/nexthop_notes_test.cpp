// SPDX-License-Identifier: BSD-3-Clause
#include "engine/nexthop_notes.h"

#include "engine/field.h"
#include "support/temp_file.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

constexpr auto dane_world = R"(
zone example.com secure 600
example.com MX secure 600 10 mx.example.com
mx.example.com A secure 900 192.0.2.1
_25._tcp.mx.example.com TLSA secure 300 3 1 1 ab*32
)";

struct Notes : Field {
    using Field::Field;

    // "BEFORE -> AFTER (row N)" of the nexthop's history, the newest first.
    std::string history(const std::string& nexthop = "example.com") {
        std::string text;
        for (const auto& row : loop.run_until_done(store.ask(store::history_of, nexthop, 99)))
            text += row.before + " -> " + row.after +
                    (row.kind == store::HistoryRow::Kind::downgrade
                         ? " (downgrade)\n"
                         : " (row " + std::to_string(row.row) + ")\n");
        return text;
    }
    store::NexthopRow noted(const std::string& nexthop = "example.com") {
        const auto domain = Nexthop::parse(nexthop).value().domain;
        return loop.run_until_done(store.load(domain, nexthop)).nexthop.value();
    }
    void forget_answers() { loop.advance(2h); }
};

} // namespace

TEST_CASE("a first verdict is noted and is not a change; a change is kept with its reasons") {
    Notes field;
    field.resolver.set(dane_world);
    field.reply("example.com");
    CHECK(field.history().empty());
    const store::NexthopRow first = field.noted();
    CHECK(first.verdict == "dane-only");
    CHECK(first.row == 6);
    CHECK(first.verdict_since == field.clock.now());

    field.forget_answers();
    field.resolver.set("zone example.com insecure 600");
    field.resolver.set("example.com MX insecure 600 10 mx.example.com");
    field.resolver.set("mx.example.com A insecure 900 192.0.2.1");
    field.reply("example.com");
    // Of one moment: the order of the two says nothing.
    const std::string changed = "DANE -> no DANE (downgrade)\ndane-only -> may (row 13)\n";
    CHECK(field.history() == changed);
    const auto rows =
        field.loop.run_until_done(field.store.ask(store::history_of, "example.com", 9));
    REQUIRE(rows.size() == 2);
    CHECK(rows.at(1).at == field.clock.now());
    CHECK(rows.at(1).reasons.contains("; "));
    CHECK(field.noted().verdict_since == field.clock.now());

    // The same again is not a change, nor is a restart.
    field.forget_answers();
    field.restart();
    field.reply("example.com");
    CHECK(field.history() == changed);
}

TEST_CASE("a failed lookup that changes no answer is not a change of the verdict") {
    Notes field;
    field.resolver.set(dane_world);
    field.reply("example.com");
    field.resolver.block(true);
    // Before the end of the evidence, as the prefetch does.
    field.loop.advance(200s);
    field.loop.run_until_done(field.engine->look_again(
        {.nexthop = Nexthop::parse("example.com").value(), .asked = field.loop.now()}));
    CHECK(field.history().empty());
    // After it clients are told something else.
    field.forget_answers();
    field.reply("example.com");
    CHECK(field.history() == "dane-only -> dane (row 5)\n");
}

TEST_CASE("what has not changed is written again once an hour at most") {
    Notes field;
    field.resolver.set(dane_world);
    field.reply("example.com");
    const auto first = field.noted().seen_at;
    field.loop.advance(10min);
    field.reply("example.com");
    CHECK(field.noted().seen_at == first);
    field.loop.advance(51min);
    field.reply("example.com");
    CHECK(field.noted().seen_at == field.clock.now());
    CHECK(field.noted().dane_seen_at == field.clock.now());
    CHECK(field.noted().verdict_since == first);
}

TEST_CASE("an override is a change of the verdict, and DANE stays remembered beside it") {
    Notes field;
    field.resolver.set(dane_world);
    field.reply("example.com");
    const store::NexthopRow before = field.noted();
    field.overrides = engine::Overrides::parse("example.com encrypt\n", "f").value();
    field.forget_answers();
    field.restart();
    CHECK(field.reply("example.com") == "10:OK encrypt,");
    field.loop.advance(1ms);
    CHECK(field.history() == "dane-only -> override encrypt (row 1)\n");
    CHECK(field.noted().dane);
    CHECK(field.noted().dane_seen_at == before.dane_seen_at);
}

TEST_CASE("what is remembered of DANE counts for seven days, and never from the future") {
    using verdict::Remembered;
    const WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
    const auto seen = [&](milliseconds ago, bool dane) {
        return engine::NexthopNotes::remembered(
            {.nexthop = "x", .dane = dane, .dane_seen_at = now - ago, .verdict = {}}, now);
    };
    CHECK(seen(0ms, true) == Remembered::dane);
    CHECK(seen(7 * 24h - 1ms, false) == Remembered::no_dane);
    CHECK(seen(7 * 24h, true) == Remembered::nothing);
    CHECK(seen(-24h, false) == Remembered::no_dane);
    CHECK(seen(-24h - 1ms, false) == Remembered::nothing);
    CHECK(engine::NexthopNotes::remembered({.nexthop = "x", .verdict = {}}, now) ==
          Remembered::nothing);
}

TEST_CASE("what another node of a fleet did not see is not remembered, what it saw is") {
    using verdict::Remembered;
    const WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
    const auto seen = [&](bool dane) {
        return engine::NexthopNotes::remembered({.nexthop = "x",
                                                 .dane = dane,
                                                 .dane_seen_at = now - 1h,
                                                 .dane_by = "relay2",
                                                 .verdict = {}},
                                                now);
    };
    CHECK(seen(false) == Remembered::nothing);
    CHECK(seen(true) == Remembered::dane);
    // Once seen here, at once, it is.
    Notes field;
    field.resolver.set("example.com MX secure 600 10 mx.example.com\n"
                       "mx.example.com A secure 600 192.0.2.1\n");
    field.store.save(store::NexthopRow{.nexthop = "example.com",
                                       .dane = false,
                                       .dane_seen_at = field.clock.now(),
                                       .dane_by = "relay2",
                                       .verdict = "may",
                                       .row = 11,
                                       .verdict_since = field.clock.now(),
                                       .seen_at = field.clock.now()});
    field.reply("example.com");
    CHECK(field.noted().dane_by.empty());
}

TEST_CASE("that mail is deferred is logged when it begins, not each time the domain is looked at") {
    Notes field;
    const TempFile file("");
    const int fd = ::open(file.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    {
        Log log({}, {.fd = fd, .journal_reads = true});
        const engine::Dependencies dependencies{
            field.loop, field.clock, field.resolver, field.fetcher, field.store, log, field.random};
        engine::Downgrades downgrades(dependencies);
        engine::NexthopNotes notes(dependencies, downgrades);
        const verdict::Verdict waits{.row = 3, .reasons = {"bogus"}, .temp_reason = "MX is bogus"};
        const auto look = [&](const std::optional<store::NexthopRow>& before) {
            const verdict::Evidence evidence{.nexthop = Nexthop::parse("example.com").value(),
                                             .mx = {.state = verdict::MxState::bogus, .hosts = {}},
                                             .obtained_at = field.clock.now()};
            notes.note(evidence, waits, engine::NexthopNotes::Verdict::given, before);
        };
        look(std::nullopt);
        for (int i = 0; i < 300; i++) {
            field.loop.advance(5min);
            look(field.noted());
        }
        field.loop.advance(25h); // nobody asked meanwhile
        look(field.noted());
    }
    ::close(fd);
    std::ifstream in(file.path());
    const std::string text{std::istreambuf_iterator(in), {}};
    const std::string line =
        "<4>warning tempfail nexthop=example.com row=3 reason=\"MX is bogus\"\n";
    CHECK(text == line + line);
}
