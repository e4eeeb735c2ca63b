// SPDX-License-Identifier: BSD-3-Clause
#include "async/group.h"
#include "dns/second_opinion.h"
#include "support/fake_resolver.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <memory>
#include <string>

namespace postseal::test {
namespace {

using namespace std::chrono_literals;
using dns::RrType;
using dns::Status;

constexpr auto broken = R"(
example.com MX bogus bad key
mx.example.com A bogus bad key
)";
constexpr auto repaired = R"(
zone example.com secure 300
example.com MX secure 300 10 mx.example.com
mx.example.com A secure 300 192.0.2.1
)";

struct Opinions {
    dns::Answer ask(const std::string& name, RrType type) {
        return loop.run_until_done(both.resolve(name, type));
    }
    async::Task<> ask_into(std::string name, int& bogus) {
        const dns::Answer answer = co_await both.resolve(std::move(name), RrType::mx);
        if (answer.status == Status::bogus) bogus++;
    }

    VirtualLoop loop;
    FakeResolver first{loop, broken}; // remembers, as libunbound does
    std::string world = broken;       // what a new one sees
    int opened = 0;
    bool can_open = true;
    std::weak_ptr<FakeResolver> latest;
    dns::SecondOpinion both{loop, first, [this]() -> std::shared_ptr<dns::Resolver> {
                                opened++;
                                if (!can_open) return nullptr;
                                auto made = std::make_shared<FakeResolver>(loop, world);
                                latest = made;
                                return made;
                            }};
};

} // namespace

TEST_CASE("second opinion: the first cause is kept where the cache gives a shorter one") {
    Opinions opinions;
    opinions.first.set("example.com MX bogus signature expired on 2026-01-31\n"
                       "example.com TXT bogus signature expired, of TXT\n");
    const auto reason = [&] { return opinions.ask("example.com", RrType::mx).reason; };
    const std::string cause = reason();
    CHECK(cause.contains("signature expired on 2026-01-31"));
    opinions.first.set("example.com MX bogus previous validation failure\n"
                       "example.com TXT bogus signature expired, of TXT\n");
    CHECK(reason() == cause);
    // Each type has its own.
    CHECK(opinions.ask("example.com", RrType::txt).reason.contains("of TXT"));
    // One that remembers nothing has found another cause, which is kept from then on.
    opinions.world = "example.com MX bogus no key any more\n";
    opinions.loop.advance(16s);
    CHECK(reason().contains("no key any more"));
    opinions.loop.advance(1s);
    opinions.can_open = false;
    CHECK(reason().contains("no key any more"));
}

TEST_CASE("second opinion: a repaired zone is seen at the first retry, with all its names") {
    Opinions opinions;
    CHECK(opinions.ask("example.com", RrType::mx).status == Status::bogus);
    CHECK(opinions.opened == 0); // the first time is not asked twice
    opinions.world = repaired;
    opinions.loop.advance(23s);
    CHECK(opinions.ask("example.com", RrType::mx).status == Status::found);
    CHECK(opinions.ask("mx.example.com", RrType::a).status == Status::found);
    CHECK(opinions.opened == 1);
}

TEST_CASE("second opinion: what is still bogus stays so, and each retry sees for itself") {
    Opinions opinions;
    opinions.ask("example.com", RrType::mx);
    for (int retry = 1; retry <= 3; retry++) {
        opinions.loop.advance(30s);
        CHECK(opinions.ask("example.com", RrType::mx).status == Status::bogus);
        CHECK(opinions.opened == retry);
    }
}

TEST_CASE("second opinion: one that fails or cannot be obtained changes nothing") {
    Opinions opinions;
    opinions.ask("example.com", RrType::mx);
    opinions.loop.advance(30s);
    SUBCASE("fails") { opinions.world = "example.com MX failed SERVFAIL"; }
    SUBCASE("cannot be obtained") { opinions.can_open = false; }
    CHECK(opinions.ask("example.com", RrType::mx).status == Status::bogus);
    CHECK(opinions.ask("example.com", RrType::mx).status == Status::bogus);
    CHECK(opinions.opened == 1);
}

TEST_CASE("second opinion: a question for a DS that went astray is asked anew at once") {
    Opinions opinions;
    opinions.first.set("example.com MX bogus no DNSSEC records from 192.0.2.1 for DS example.com. "
                       "while building chain of trust");
    opinions.world = "example.com MX insecure 300 10 mx.example.com";
    CHECK(opinions.ask("example.com", RrType::mx).status == Status::found);
    opinions.first.set("example.com MX bogus key for validation example.com. is marked as invalid "
                       "because of a previous validation failure <example.com. A IN>: no DNSSEC "
                       "records from 192.0.2.1 for DS example.com. while building chain of trust");
    CHECK(opinions.ask("example.com", RrType::mx).status == Status::found);
    opinions.first.set("example.com MX bogus no signatures from 192.0.2.1 for key example.com.");
    CHECK(opinions.ask("example.com", RrType::mx).status == Status::bogus);
    CHECK(opinions.opened == 1);
}

TEST_CASE("second opinion: other names, and what is well, are asked for once") {
    Opinions opinions;
    opinions.first.set("other.org MX bogus bad key\nfine.net MX insecure 300 10 mx.fine.net");
    opinions.ask("example.com", RrType::mx);
    opinions.loop.advance(30s);
    CHECK(opinions.ask("other.org", RrType::mx).status == Status::bogus);
    CHECK(opinions.ask("fine.net", RrType::mx).status == Status::found);
    CHECK(opinions.opened == 0);
    opinions.first.set(repaired);
    CHECK(opinions.ask("example.com", RrType::mx).status == Status::found);
    opinions.first.set(broken);
    CHECK(opinions.ask("example.com", RrType::mx).status == Status::bogus); // anew
    CHECK(opinions.opened == 0);
}

TEST_CASE("second opinion: strangers cannot make many of them, nor keep one") {
    Opinions opinions;
    for (int i = 0; i < 2000; i++)
        opinions.first.set(fmt::format("d{}.org MX bogus bad key", i));
    const auto ask_all = [&] {
        for (int i = 0; i < 2000; i++)
            opinions.ask(fmt::format("d{}.org", i), RrType::mx);
    };
    ask_all();
    CHECK(opinions.opened == 0);
    opinions.loop.advance(30s);
    ask_all();
    ask_all();
    CHECK(opinions.opened == 1);
    CHECK(opinions.latest.lock()->questions().size() == 2048);
    opinions.loop.advance(61s);
    CHECK(opinions.latest.expired());
}

TEST_CASE("second opinion: at most sixteen questions at once wait for it") {
    Opinions opinions;
    for (int i = 0; i < 20; i++)
        opinions.first.set(fmt::format("d{}.org MX bogus bad key", i));
    for (int i = 0; i < 20; i++)
        opinions.ask(fmt::format("d{}.org", i), RrType::mx);
    opinions.loop.advance(30s);
    opinions.world.clear();
    for (int i = 0; i < 20; i++)
        opinions.world += fmt::format("d{}.org MX hang\n", i);
    int bogus = 0;
    {
        async::Group group(opinions.loop);
        for (int i = 0; i < 20; i++)
            group.start(opinions.ask_into(fmt::format("d{}.org", i), bogus));
        opinions.loop.advance(1s);
        CHECK(bogus == 4);
        CHECK(opinions.latest.lock()->in_flight() == 16);
    }
}

} // namespace postseal::test
