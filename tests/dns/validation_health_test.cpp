// SPDX-License-Identifier: BSD-3-Clause
#include "dns/validation_health.h"
#include "support/fake_resolver.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace postseal::test {
namespace {

using namespace std::chrono_literals;
using dns::Answer;
using dns::RootCheck;
using dns::RootFault;
using dns::RrType;
using dns::Status;
using dns::ValidationHealth;
using Texts = std::vector<std::string>;

const RootCheck wrong_anchor{
    .fault = RootFault::trust_anchor, .reason = "no anchor fits", .fix = "update it"};

// Bogus names, and a root that validates or does not.
struct World {
    VirtualLoop loop;
    FakeResolver network{loop, "* MX insecure 300 nodata\n"
                               "a.example MX bogus forged\n"
                               "b.example MX bogus forged\n"
                               "mail.a.example A bogus forged\n"
                               "c.test MX bogus forged\n"
                               "d.other.test MX bogus forged\n"
                               "dead.example MX failed SERVFAIL\n"
                               "good.example MX secure 300 10 mx.good.example\n"};
    RootCheck root;
    milliseconds takes{100};
    int checks = 0;
    Texts changes;
    Texts reconsidered;
    ValidationHealth health{
        {.loop = loop,
         .resolver = network,
         .check = [this] { return check(); },
         .on_change = [this](const RootCheck& now) { changes.emplace_back(to_string(now.fault)); },
         .reconsider = [this](const std::string& name) { reconsidered.push_back(name); }}};

    async::Task<RootCheck> check() {
        checks++;
        co_await async::Sleep(loop, takes);
        co_return root;
    }
    Answer ask(std::string name, RrType type = RrType::mx) {
        return loop.run_until_done(health.resolve(std::move(name), type));
    }
    void start() {
        health.check_now();
        loop.advance(takes);
        CHECK(checks == 1);
    }
    void start_failing() {
        root = wrong_anchor;
        start();
        CHECK(health.state() == ValidationHealth::State::failing);
    }
};

TEST_CASE("validation_health: while the root validates, bogus is bogus, whatever is asked") {
    World world;
    world.start();
    CHECK(world.health.state() == ValidationHealth::State::working);
    const Answer answer = world.ask("a.example");
    CHECK(answer.status == Status::bogus);
    CHECK(answer.failure == dns::Failure::bogus);
    CHECK(answer.reason == "forged");
    CHECK(world.ask("mail.a.example", RrType::a).status == Status::bogus);
    CHECK(world.ask("good.example").security == dns::Security::secure);
    CHECK(world.changes.empty());
}

TEST_CASE("validation_health: while it does not, a bogus MX answer is a failed one of ours") {
    World world;
    world.start_failing();
    CHECK(world.changes == Texts{"trust-anchor"});
    const Answer mx = world.ask("a.example");
    CHECK(mx.status == Status::failed);
    CHECK(mx.failure == dns::Failure::unvalidated);
    CHECK(mx.reason == "our own DNSSEC validation fails (trust-anchor): no anchor fits; fix: "
                       "update it");
    const Answer address = world.ask("mail.a.example", RrType::a);
    CHECK(address.status == Status::bogus); // its host is F either way
    CHECK(address.failure == dns::Failure::unvalidated);
    CHECK(world.ask("good.example").status == Status::found);
    CHECK(world.ask("dead.example").reason == "SERVFAIL");
}

TEST_CASE("validation_health: a bogus answer waits for the first check") {
    World world;
    world.root = wrong_anchor;
    world.takes = 5s;
    world.health.check_now();
    CHECK(world.ask("a.example").status == Status::failed);
    CHECK(world.checks == 1);
}

TEST_CASE("validation_health: two unrelated names within a minute are a suspicion") {
    World world;
    world.start();
    world.loop.advance(20s);
    CHECK(world.ask("a.example").status == Status::bogus);
    SUBCASE("one name alone, or one and those below it, is none") {
        CHECK(world.ask("mail.a.example", RrType::a).status == Status::bogus);
        CHECK(world.ask("a.example").status == Status::bogus);
        CHECK(world.checks == 1);
    }
    SUBCASE("two names: the root is checked, and still validates") {
        CHECK(world.ask("b.example").status == Status::bogus);
        CHECK(world.checks == 2);
        CHECK(world.changes.empty());
        SUBCASE("whoever has domains cannot make it check all the time") {
            for (int i = 0; i < 100; i++) {
                CHECK(world.ask(i % 2 == 0 ? "c.test" : "a.example").status == Status::bogus);
                world.loop.advance(100ms);
            }
            CHECK(world.checks == 2);
        }
    }
    SUBCASE("two names: it does not, and both are judged anew") {
        world.root = wrong_anchor;
        CHECK(world.ask("b.example").status == Status::failed);
        CHECK(world.checks == 2);
        CHECK(world.changes == Texts{"trust-anchor"});
        CHECK(world.reconsidered == Texts{"a.example"});
        CHECK(world.ask("a.example").status == Status::failed);
    }
    SUBCASE("more than a minute apart they are none") {
        world.loop.advance(61s);
        CHECK(world.ask("b.example").status == Status::bogus);
        CHECK(world.checks == 1);
    }
    SUBCASE("the last two labels tell names apart") {
        CHECK(world.ask("d.other.test").status == Status::bogus);
        CHECK(world.checks == 2);
    }
}

TEST_CASE("validation_health: it ends by itself, within half a minute") {
    World world;
    world.start_failing();
    CHECK(world.ask("a.example").status == Status::failed);
    CHECK(world.ask("dead.example").status == Status::failed);
    world.loop.advance(100s);
    CHECK(world.checks == 4);
    CHECK(world.changes.size() == 1); // said once
    world.root = {};
    world.loop.advance(31s);
    CHECK(world.health.state() == ValidationHealth::State::working);
    CHECK(world.changes == Texts{"trust-anchor", "none"});
    CHECK(world.reconsidered == Texts{"a.example", "dead.example"});
    CHECK(world.ask("a.example").status == Status::bogus);
}

TEST_CASE("validation_health: another fault than before is said, too") {
    World world;
    world.start_failing();
    world.root.fault = RootFault::clock;
    world.loop.advance(31s);
    CHECK(world.changes == Texts{"trust-anchor", "clock"});
}

TEST_CASE("validation_health: checked once an hour, and anew when that is asked for") {
    World world;
    world.start();
    world.loop.advance(61min);
    CHECK(world.checks == 2);
    world.root = wrong_anchor;
    world.health.check_now();
    world.loop.advance(50ms);
    world.root = {};
    world.health.check_now(); // what the check has seen may be the old
    world.loop.run_until_done(world.health.checked());
    CHECK(world.checks == 4);
    CHECK(world.health.state() == ValidationHealth::State::working);
    CHECK(world.changes.empty());
}

TEST_CASE("validation_health: a question is withdrawn while it waits for a check") {
    World world;
    world.root = wrong_anchor;
    world.takes = 5s;
    world.health.check_now();
    {
        async::Group group(world.loop);
        async::Outcome<Answer> outcome;
        Flag flag;
        const async::Driver driver =
            async::drive_into(static_cast<async::Done&>(flag),
                              world.health.resolve("a.example", RrType::mx), outcome);
        world.loop.advance(1s);
    }
    world.loop.advance(10s);
    CHECK(world.health.state() == ValidationHealth::State::failing);
}

} // namespace
} // namespace postseal::test
