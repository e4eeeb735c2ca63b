// SPDX-License-Identifier: BSD-3-Clause
#include "engine/field.h"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

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

constexpr auto sts_world = R"(
zone example.org insecure 600
example.org MX insecure 600 10 mx.example.org
mx.example.org A insecure 600 192.0.2.2
_mta-sts.example.org TXT insecure 600 "v=STSv1; id=one;"
)";

constexpr auto enforce = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 864000\n";
constexpr auto not_found = "9:NOTFOUND ,";

std::string secure() {
    const std::string text = "OK secure match=mx.example.org servername=hostname";
    return std::to_string(text.size()) + ":" + text + ",";
}

// What clients were told, and when, in the order of their questions.
struct Asked {
    std::shared_ptr<const engine::Answer> answer; // null: not yet
    milliseconds after{0};
};

async::Task<> ask_as(Field& field, const int& client, std::string key, Asked& to) {
    const MonoTime begun = field.loop.now();
    to.answer = co_await field.engine->answer(Nexthop::parse(key).value(), &client);
    to.after = field.loop.now() - begun;
}

struct Sts : Field {
    using Field::Field;
    Sts() {
        resolver.set(sts_world);
        fetcher.serve("example.org", enforce);
    }
};

} // namespace

TEST_CASE("DANE: looked up once, then answered from memory for the least TTL") {
    Field field;
    field.resolver.set(dane_world);
    CHECK(field.engine->find("example.com") == nullptr);
    const auto answer = field.ask("example.com");
    CHECK(answer->verdict.row == 6);
    CHECK(answer->holds == 300s);
    CHECK(field.reply("example.com") == "12:OK dane-only,");
    const std::size_t asked = field.resolver.questions().size();
    field.loop.advance(299s);
    CHECK(field.reply("example.com") == "12:OK dane-only,");
    CHECK(field.resolver.questions().size() == asked);
    field.loop.advance(2s);
    CHECK(field.engine->find("example.com") == nullptr);
    CHECK(field.reply("example.com") == "12:OK dane-only,");
    CHECK(field.resolver.questions().size() > asked);
}

TEST_CASE("MTA-STS: fetched once for an id, and in force for every spelling of the domain") {
    Sts field;
    CHECK(field.reply("example.org") == secure());
    CHECK(field.fetcher.fetches() == 1);
    field.loop.advance(2h);
    CHECK(field.reply("example.org") == secure());
    CHECK(field.ask("example.org:587")->verdict.level == verdict::Level::secure);
    CHECK(field.fetcher.fetches() == 1);
}

TEST_CASE("a policy that was fetched stays in force, whatever DNS and HTTPS say") {
    Sts field;
    REQUIRE(field.reply("example.org") == secure());
    SUBCASE("TXT gone") { field.resolver.set("_mta-sts.example.org TXT insecure 600 nodata"); }
    SUBCASE("TXT fails") { field.resolver.set("_mta-sts.example.org TXT failed SERVFAIL"); }
    SUBCASE("two TXT records") {
        field.resolver.set("_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=a;\"\n"
                           "_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=b;\"");
    }
    SUBCASE("new id, host down") {
        field.resolver.set("_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=two;\"");
        field.fetcher.fail("example.org", https::FetchFault::connect, "refused");
    }
    SUBCASE("new id, no policy any more") {
        field.resolver.set("_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=two;\"");
        field.fetcher.serve("example.org", "nothing here\n");
    }
    field.loop.advance(2h);
    CHECK(field.reply("example.org") == secure());
    field.restart();
    CHECK(field.reply("example.org") == secure());
    field.loop.advance(std::chrono::hours(24 * 9));
    CHECK(field.reply("example.org") == secure());
    field.loop.advance(std::chrono::hours(24));
    CHECK(field.reply("example.org") == not_found);
}

TEST_CASE("after a restart the stored policy needs no network") {
    Sts field;
    REQUIRE(field.reply("example.org") == secure());
    field.restart();
    SUBCASE("all lookups fail: MX unknown, but remembered to have no DANE (row 4)") {
        field.resolver.set(
            "example.org MX failed SERVFAIL\n_mta-sts.example.org TXT failed SERVFAIL");
        CHECK(field.row("example.org") == 4);
        CHECK(field.reply("example.org") == secure());
    }
    SUBCASE("no lookup is ever answered") {
        field.resolver.set("example.org MX hang\n_mta-sts.example.org TXT hang");
        const MonoTime begin = field.loop.now();
        const auto answer = field.ask("example.org");
        CHECK(field.loop.now() - begin == 10s);
        CHECK(answer->evidence.partial);
        CHECK(answer->verdict.row == 4);
        CHECK(answer->verdict.level == verdict::Level::secure);
    }
    CHECK(field.fetcher.fetches() == 1);
}

TEST_CASE("an answer that memory gave up is not weaker when it is asked for again") {
    Field field({.cache_octets = 60'000});
    field.resolver.set(sts_world);
    field.fetcher.serve("example.org", enforce);
    REQUIRE(field.reply("example.org") == secure());
    for (int i = 0; i < 400; i++)
        field.reply(std::to_string(i) + "-nobody.example");
    field.resolver.block(true);
    field.fetcher.fail("example.org", https::FetchFault::connect, "refused");
    REQUIRE(field.engine->find("example.org") == nullptr);
    CHECK(field.row("example.org") == 4);
    CHECK(field.reply("example.org") == secure());
}

TEST_CASE("a new id is fetched and its policy takes the old one's place") {
    Sts field;
    REQUIRE(field.reply("example.org") == secure());
    field.resolver.set("_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=two;\"");
    SUBCASE("mode none") {
        field.fetcher.serve("example.org", "version: STSv1\nmode: none\nmax_age: 86400\n");
        field.loop.advance(1h);
        CHECK(field.reply("example.org") == not_found);
    }
    SUBCASE("other hosts") {
        field.fetcher.serve("example.org",
                            "version: STSv1\nmode: enforce\nmx: *.example.net\nmax_age: 86400\n");
        field.loop.advance(1h);
        CHECK(field.reply("example.org").find("match=.example.net") != std::string::npos);
    }
    CHECK(field.fetcher.fetches() == 2);
}

TEST_CASE("a failed fetch is not repeated for the same id before its time, across restarts") {
    Sts field;
    field.fetcher.fail("example.org", https::FetchFault::status, "404 Not Found");
    CHECK(field.reply("example.org") == not_found);
    CHECK(field.fetcher.fetches() == 1);
    field.restart();
    field.loop.advance(299s);
    const auto answer = field.ask("example.org");
    CHECK(field.fetcher.fetches() == 1);
    CHECK(answer->evidence.sts.fetch == verdict::FetchState::failed);
    CHECK(answer->evidence.sts.fetch_fault == "status");
    CHECK(answer->evidence.sts.fetch_reason == "404 Not Found");
    field.loop.advance(2s);
    field.ask("example.org");
    CHECK(field.fetcher.fetches() == 2);
    field.loop.advance(301s);
    field.ask("example.org");
    CHECK(field.fetcher.fetches() == 2); // ten minutes the second time
    field.loop.advance(300s);
    field.ask("example.org");
    CHECK(field.fetcher.fetches() == 3);
    field.resolver.set("_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=two;\"");
    field.ask("example.org");
    CHECK(field.fetcher.fetches() == 4); // another id
}

TEST_CASE(
    "another node's failed fetch holds back none of this node's, where no policy is in force") {
    Sts field;
    const auto failing = [&] {
        return store::StsRow{.domain = Domain::parse("example.org").value(),
                             .failures = 9,
                             .failed_id = "one",
                             .fault = "certificate",
                             .reason = "its issuer is not known",
                             .failed_at = field.clock.now(),
                             .retry_at = field.clock.now() + 1h,
                             .failed_by = "relay2"};
    };
    SUBCASE("the first fetch") {
        field.store.save(failing());
        CHECK(field.reply("example.org") == secure());
    }
    SUBCASE("its own failures are counted from its own first") {
        field.store.save(failing());
        field.fetcher.fail("example.org", https::FetchFault::connect, "refused");
        CHECK(field.reply("example.org") == not_found);
        field.fetcher.serve("example.org", enforce);
        field.restart();
        field.loop.advance(301s);
        CHECK(field.reply("example.org") == secure());
    }
    SUBCASE("a policy that has expired is none") {
        store::StsRow row = failing();
        row.body = enforce;
        row.id = "zero";
        row.fetched_at = field.clock.now() - std::chrono::hours(24 * 11);
        row.expires_at = field.clock.now() - 1min;
        field.store.save(row);
        CHECK(field.reply("example.org") == secure());
    }
    SUBCASE("beside one in force it saves work") {
        store::StsRow row = failing();
        row.body = enforce;
        row.id = "zero";
        row.fetched_at = field.clock.now() - 1h;
        row.expires_at = field.clock.now() + 23h;
        row.refresh_at = field.clock.now() + 18h;
        field.store.save(row);
        CHECK(field.reply("example.org") == secure());
        CHECK(field.fetcher.fetches() == 0);
    }
}

TEST_CASE("an answer comes at the deadline; the lookup goes on and its result is kept") {
    Sts field;
    field.fetcher.delay(25s);
    const MonoTime begin = field.loop.now();
    const auto early = field.ask("example.org");
    CHECK(field.loop.now() - begin == 10s);
    CHECK(early->evidence.partial);
    CHECK(early->verdict.row == 13);
    CHECK(early->evidence.sts.fetch == verdict::FetchState::pending);
    CHECK(field.engine->find("example.org") == nullptr);
    field.loop.advance(16s);
    CHECK(field.engine->find("example.org") != nullptr);
    CHECK(field.reply("example.org") == secure());
    CHECK(field.fetcher.fetches() == 1);
}

TEST_CASE("a host that is not answered before the deadline counts as F") {
    Field field;
    field.resolver.set(dane_world);
    field.resolver.set("example.com MX secure 600 10 mx.example.com\n"
                       "example.com MX secure 600 20 mx2.example.com\n"
                       "mx2.example.com * hang");
    const auto answer = field.ask("example.com");
    CHECK(answer->evidence.partial);
    CHECK(answer->verdict.row == 7);
    CHECK(answer->verdict.level == verdict::Level::dane);
    REQUIRE(answer->evidence.mx.hosts.size() == 2);
    CHECK(answer->evidence.mx.hosts[1].reason.find("not") != std::string::npos);
}

TEST_CASE("failed lookups are tried again after 30 s, then 60 s") {
    Field field;
    field.resolver.set(
        "example.com MX failed SERVFAIL\n_mta-sts.example.com TXT insecure 600 nodata");
    CHECK(field.ask("example.com")->holds == 30s);
    CHECK(field.ask("example.com")->holds == 60s);
    field.resolver.set(dane_world);
    CHECK(field.ask("example.com")->holds == 300s);
    field.resolver.set("example.com MX failed SERVFAIL");
    CHECK(field.ask("example.com")->holds == 30s);
}

TEST_CASE("what DANE was is remembered for seven days") {
    Field field;
    field.resolver.set(dane_world);
    REQUIRE(field.row("example.com") == 6);
    field.restart();
    field.resolver.set("example.com MX failed SERVFAIL");
    const auto soon = field.ask("example.com");
    CHECK(soon->evidence.remembered == verdict::Remembered::dane);
    CHECK(soon->verdict.row == 5);
    field.loop.advance(std::chrono::hours(24 * 7 + 1));
    CHECK(field.ask("example.com")->evidence.remembered == verdict::Remembered::nothing);
}

TEST_CASE("over the limit of lookups the rest waits in order, then is told so") {
    Field field({.lookups = 1});
    field.resolver.set("slow.example * hang\n_mta-sts.slow.example * hang");
    field.resolver.set(dane_world);
    std::vector<std::shared_ptr<const engine::Answer>> answers(2);
    struct Ask {
        static async::Task<> run(Field& f, std::string key,
                                 std::shared_ptr<const engine::Answer>& to) {
            to = co_await f.engine->answer(Nexthop::parse(key).value());
        }
        static async::Task<bool> both(Field& f,
                                      std::vector<std::shared_ptr<const engine::Answer>>& to) {
            async::Group group(f.loop);
            group.start(run(f, "slow.example", to[0]));
            group.start(run(f, "example.com", to[1]));
            co_await group.join();
            co_return true;
        }
    };
    REQUIRE(field.loop.run_until_done(Ask::both(field, answers)));
    CHECK(answers[0]->verdict.row == 5);
    CHECK(answers[1]->verdict.cls == verdict::Class::tempfail);
    CHECK(answers[1]->verdict.temp_reason.find("limits.lookups") != std::string::npos);
}

TEST_CASE("a client's lookups wait for its own, not for those of another") {
    Field field({.lookups = 4});
    field.resolver.set(dane_world);
    std::deque<Asked> asked;
    const int hostile = 0;
    const int other = 0;
    async::Group group(field.loop);
    for (int i = 0; i < 60; i++) {
        const std::string name = "d" + std::to_string(i) + ".example";
        field.resolver.set(name + " * hang\n_mta-sts." + name + " * hang");
        group.start(ask_as(field, hostile, name, asked.emplace_back()));
    }
    field.loop.advance(1s);
    group.start(ask_as(field, other, "example.com", asked.emplace_back()));
    field.loop.advance(1s);
    REQUIRE(asked.back().answer);
    CHECK(asked.back().answer->verdict.row == 6);
    field.loop.advance(1h);
    for (const Asked& each : asked)
        CHECK(each.after <= 10s);
}

TEST_CASE("where too much waits one is told so at once, but not who has asked for less") {
    Field field({.lookups = 1}); // 16 may wait
    std::deque<Asked> asked;
    const int greedy = 0;
    const int other = 0;
    async::Group group(field.loop);
    for (int i = 0; i < 18; i++) {
        const std::string name = "d" + std::to_string(i) + ".example";
        field.resolver.set(name + " * hang\n_mta-sts." + name + " * hang");
        group.start(ask_as(field, greedy, name, asked.emplace_back()));
    }
    field.resolver.set("e.example * hang\n_mta-sts.e.example * hang");
    group.start(ask_as(field, other, "e.example", asked.emplace_back()));
    field.loop.advance(1s);
    REQUIRE(asked[17].answer);
    CHECK(asked[17].answer->verdict.temp_reason ==
          "1 lookups are active and 16 waiting (limits.lookups)");
    CHECK_FALSE(asked[16].answer);
    CHECK_FALSE(asked[18].answer);
}

TEST_CASE("a policy host that hangs takes no place among the active lookups") {
    Sts field;
    field.engine->reconfigure(field.maps, field.overrides, {.lookups = 1});
    field.resolver.set(dane_world);
    field.fetcher.delay(60s);
    std::deque<Asked> asked;
    const int client = 0;
    async::Group group(field.loop);
    group.start(ask_as(field, client, "example.org", asked.emplace_back()));
    field.loop.advance(1s);
    CHECK(field.fetcher.fetches() == 1);
    CHECK(field.fetcher.last_client() == &client); // who wait for the host take turns
    group.start(ask_as(field, client, "example.com", asked.emplace_back()));
    field.loop.advance(1s);
    REQUIRE(asked.back().answer);
    CHECK(asked.back().answer->verdict.row == 6);
    CHECK_FALSE(asked.front().answer);
    field.loop.advance(1h);
    CHECK(asked.front().after == 10s);
    CHECK(field.reply("example.org") == secure()); // what came later is kept
}

TEST_CASE("an override needs no lookup") {
    Field field({}, "example.com encrypt\n.example.org may\n");
    CHECK(field.reply("example.com") == "10:OK encrypt,");
    CHECK(field.reply("a.example.org") == "6:OK may,");
    CHECK(field.row("example.com") == 1);
    CHECK(field.resolver.questions().empty());
}

TEST_CASE("an override may leave only MTA-STS to count, or nothing") {
    Field field({}, "example.com sts-only\nexample.org sts-only\n.example.org ignore\n");
    field.resolver.set(dane_world);
    field.resolver.set(sts_world);
    field.fetcher.serve("example.org", enforce);
    CHECK(field.reply("example.org") == secure());
    CHECK(field.reply("example.com") == not_found);
    for (const std::string& question : field.resolver.questions())
        CHECK_MESSAGE(question.starts_with("_mta-sts."), question);
    CHECK(field.row("example.org") == 1);
    CHECK(field.reply("a.example.org") == not_found);
    CHECK(field.row("a.example.org") == 1);
}

TEST_CASE("an answer that follows an override ends with it") {
    Sts field;
    field.overrides =
        engine::Overrides::parse(
            "example.org ignore # until=" + rfc3339(field.clock.now() + 600s) + "\n", "f")
            .value();
    field.restart();
    CHECK(field.reply("example.org") == not_found);
    field.loop.advance(599s);
    CHECK(field.reply("example.org") == not_found);
    field.loop.advance(1s);
    CHECK(field.reply("example.org") == secure());
}

TEST_CASE("a refresh looks up anew and fetches the policy, back-off or not") {
    Sts field;
    CHECK(field.reply("example.org") == secure());
    field.fetcher.serve("example.org", "version: STSv1\nmode: none\nmax_age: 864000\n");
    const auto refresh = [&](const char* key) {
        return field.loop.run_until_done(field.engine->refresh(Nexthop::parse(key).value()));
    };
    const auto answer = refresh("example.org");
    CHECK(answer->verdict.cls == verdict::Class::may);
    CHECK(field.reply("example.org") == not_found); // memory has it too
    CHECK(field.fetcher.fetches() == 2);

    field.fetcher.fail("example.org", https::FetchFault::status, "404 Not Found");
    refresh("example.org");
    refresh("example.org");
    CHECK(field.fetcher.fetches() == 4);
    field.resolver.set(dane_world);
    refresh("example.com"); // nothing to fetch
    CHECK(field.fetcher.fetches() == 4);
}

TEST_CASE("what was forgotten is found out anew") {
    Sts field;
    field.resolver.set(dane_world);
    CHECK(field.reply("example.org") == secure());
    CHECK(field.reply("example.com") == "12:OK dane-only,");
    field.resolver.block(true);
    field.engine->forget(Nexthop::parse("Example.ORG").value());
    CHECK(field.row("example.org") == 5); // nothing is remembered
    CHECK(field.engine->find("example.com") != nullptr);
    field.resolver.block(false);
    field.fetcher.fail("example.org", https::FetchFault::connect, "refused");
    field.loop.advance(1h);
    CHECK(field.reply("example.org") == not_found);
}

TEST_CASE("a lookup in progress when the wall clock jumps begins again under the new time") {
    Sts field;
    CHECK(field.reply("example.org") == secure());
    field.loop.advance(1h);
    field.resolver.set("_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=two;\"");
    field.fetcher.delay(5s);
    field.fetcher.fail("example.org", https::FetchFault::connect, "refused");
    const Field::PendingAnswer asked(field, "example.org");
    field.loop.advance(1s);
    field.clock.jump(100 * 24h); // far past the policy's end
    field.loop.advance(20s);
    REQUIRE(asked.answer != nullptr);
    CHECK(asked.answer->verdict.cls == verdict::Class::enforce);
    CHECK(field.reply("example.org") == secure());
    const auto row =
        field.loop.run_until_done(field.store.load(Domain::parse("example.org").value(), "x")).sts;
    REQUIRE(row.has_value());
    const store::Moment moment = field.engine->dependencies().clock.moment();
    CHECK(store::by_age(*row, moment).expires_at > field.clock.now() + 9 * 24h);
    CHECK(row->failures > 0);
}

TEST_CASE("maps with options of their own have verdicts of their own") {
    Field field({}, {}, R"(
[[listen]]
address = "inet:127.0.0.1:1"
protocol = "delegation"
[[map]]
name = "lab"
testing = "enforce"
[delegation]
may = "INFO %d %c"
)");
    field.resolver.set(sts_world);
    field.fetcher.serve("example.org",
                        "version: STSv1\nmode: testing\nmx: mx.example.org\nmax_age: 864000\n");
    const auto answer = field.ask("example.org");
    CHECK(answer->verdict.cls == verdict::Class::may);
    CHECK(answer->replies.at(field.maps.find("postfix").value()) == not_found);
    CHECK(answer->replies.at(field.maps.find("lab").value()) == secure());
    CHECK(answer->written[field.maps.find("lab").value()].text ==
          "secure match=mx.example.org servername=hostname");
    CHECK(answer->replies.at(field.maps.delegation().value()) == "action=INFO example.org may\n\n");
    const cache::CachedAnswer* known = field.engine->find("example.org");
    REQUIRE(known != nullptr);
    REQUIRE(known->size() == answer->replies.size());
    for (std::size_t variant = 0; variant < known->size(); variant++)
        CHECK(known->at(variant) == answer->replies[variant]);
}

TEST_CASE(
    "delegation is told DUNNO of what is not known at the deadline, and the action after it") {
    Field field({}, {}, R"(
[[listen]]
address = "inet:127.0.0.1:1"
protocol = "delegation"
[delegation]
enforce = "INFO sealed"
may = "REJECT"
)");
    field.resolver.set(sts_world);
    field.fetcher.serve("example.org", enforce);
    field.fetcher.delay(20s);
    const auto action = [&](const auto& replies) {
        return replies.at(field.maps.delegation().value());
    };
    const auto answer = field.ask("example.org");
    CHECK(answer->verdict.cls == verdict::Class::may);
    CHECK(action(answer->replies) == "action=DUNNO\n\n");
    field.loop.advance(15s);
    const cache::CachedAnswer* known = field.engine->find("example.org");
    REQUIRE(known != nullptr);
    CHECK(action(*known) == "action=INFO sealed\n\n");
}

TEST_CASE("an engine may go at any moment of a lookup") {
    for (int turns = 0; turns < 60; turns++) {
        Sts field;
        struct Ask {
            static async::Task<> run(Field& f) {
                co_await f.engine->answer(Nexthop::parse("example.org").value());
            }
        };
        {
            async::Group asking(field.loop);
            asking.start(Ask::run(field));
            for (int i = 0; i < turns; i++)
                field.loop.turn();
        }
        field.engine.reset();
        field.loop.advance(1min);
    }
}
