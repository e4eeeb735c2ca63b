// What another node of a fleet has found out counts at once.
// SPDX-License-Identifier: BSD-3-Clause
#include "engine/field.h"

#include <doctest/doctest.h>

#include <optional>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

constexpr auto world = R"(
zone example.org insecure 600
example.org MX insecure 600 10 mx.example.org
mx.example.org A insecure 600 192.0.2.2
_mta-sts.example.org TXT insecure 600 nodata
_mta-sts.mx.example.org TXT insecure 600 nodata
slow.example.org MX insecure 600 10 mx.example.org
slow.example.org MX delay 5000
_mta-sts.slow.example.org TXT insecure 600 nodata
)";
constexpr auto not_found = "9:NOTFOUND ,";

struct Node : Field {
    explicit Node(engine::Options options = {}) : Field(options) { resolver.set(world); }
    // As the store has it when another node's word came.
    void learn(const std::string& name) {
        const Domain domain = Domain::parse(name).value();
        store.save(store::StsRow{.domain = domain,
                                 .body = "version: STSv1\nmode: enforce\nmx: mx.example.org\n"
                                         "max_age: 86400\n",
                                 .id = "1",
                                 .fetched_at = clock.now(),
                                 .expires_at = clock.now() + 24h,
                                 .refresh_at = clock.now() + 22h});
        engine->outdate(domain);
    }
    async::Task<> ask_into(std::string key, std::optional<std::string>& out) {
        const auto answer = co_await engine->answer(Nexthop::parse(key).value());
        out = answer->replies.at(legacy);
    }
};

} // namespace

TEST_CASE("answers of the domain are asked for anew, those of others stay") {
    Node node;
    for (const char* key : {"example.org", "example.org:587", "[mx.example.org]"})
        CHECK(node.reply(key) == not_found);
    node.learn("example.org");
    CHECK(node.reply("example.org").contains("OK secure match=mx.example.org"));
    CHECK(node.reply("example.org:587").contains("OK secure match=mx.example.org"));
    CHECK(node.engine->find("[mx.example.org]") != nullptr);
    node.learn("mx.example.org");
    CHECK(node.reply("[mx.example.org]").contains("OK secure match=mx.example.org"));
}

TEST_CASE("an evaluation that has read the store already reads it again") {
    Node node;
    std::optional<std::string> answer;
    async::Group group(node.loop);
    group.start(node.ask_into("slow.example.org", answer));
    node.loop.advance(1s);
    node.learn("slow.example.org");
    node.loop.advance(20s);
    REQUIRE(answer.has_value());
    CHECK(node.reply("slow.example.org").contains("OK secure match=mx.example.org"));
}

TEST_CASE("what another node has found out is not passed over because it cannot be read in time") {
    engine::Options options;
    SUBCASE("the store is slow meanwhile") {}
    SUBCASE("another's lookup has the place") { options.lookups = 1; }
    Node node(options);
    const bool crowded = options.lookups == 1;
    std::optional<std::string> answer;
    std::optional<std::string> other;
    async::Group group(node.loop);
    node.resolver.set("slow.example.org MX insecure 600 10 mx.example.org\n"
                      "slow.example.org MX delay 30000\n");
    group.start(node.ask_into("slow.example.org", answer));
    node.loop.advance(7s);
    node.resolver.set("crowd.example.org MX insecure 600 10 mx.example.org\n"
                      "crowd.example.org MX delay 30000\n"
                      "_mta-sts.crowd.example.org TXT insecure 600 nodata\n");
    if (crowded) {
        group.start(node.ask_into("crowd.example.org", other));
        node.loop.advance(10ms);
    } else {
        node.store.stall(30s);
    }
    node.learn("slow.example.org");
    node.loop.advance(4s);
    REQUIRE(answer.has_value());
    CHECK_MESSAGE(answer->contains(":TEMP "), *answer);
    CHECK(answer->contains("the policy that may be stored is not known: it is being read again"));
}

TEST_CASE("one nexthop alone") {
    Node node;
    CHECK(node.reply("example.org") == not_found);
    CHECK(node.reply("example.org:587") == not_found);
    node.engine->outdate("example.org");
    CHECK(node.engine->find("example.org") == nullptr);
    CHECK(node.engine->find("example.org:587") != nullptr);
}

TEST_CASE("a domain whose lookup failed is looked up anew, one with a sound answer is left alone") {
    Node node;
    CHECK(node.reply("example.org") == not_found);
    node.resolver.set("example.org MX bogus forged\n");
    node.loop.advance(8min); // the lookup before the answer's end has failed
    CHECK(node.reply("example.org") == not_found);
    node.resolver.set("bogus.example MX bogus forged\n"
                      "_mta-sts.bogus.example TXT insecure 600 nodata\n");
    CHECK(node.reply("bogus.example").contains("TEMP"));
    node.resolver.set("bogus.example MX failed our own fault\n");
    CHECK(node.reply("bogus.example").contains("TEMP"));
    for (const char* name : {"bogus.example", "example.org"})
        node.engine->reconsider(Domain::parse(name).value());
    CHECK(node.reply("bogus.example").contains("OK dane"));
    CHECK(node.engine->find("example.org") != nullptr);
}
