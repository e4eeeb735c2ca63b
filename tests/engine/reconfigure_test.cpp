// SPDX-License-Identifier: BSD-3-Clause
#include "engine/field.h"

#include <doctest/doctest.h>

#include <optional>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

constexpr auto world = R"(
zone example.com secure 600
example.com MX secure 600 10 mx.example.com
mx.example.com A secure 900 192.0.2.1
_25._tcp.mx.example.com TLSA secure 300 3 1 1 ab*32
zone example.org insecure 600
example.org MX insecure 600 10 mx.example.org
mx.example.org A insecure 600 192.0.2.2
_mta-sts.example.org TXT insecure 600 nodata
slow.example.org MX insecure 600 0 .
slow.example.org MX delay 5000
)";
constexpr auto dane_only = "12:OK dane-only,";
constexpr auto not_found = "9:NOTFOUND ,";

struct Changing : Field {
    Changing() {
        resolver.set(world);
        reply("example.com");
        reply("example.org");
    }
    void reconfigure(const std::string& toml, const std::string& overrides_text = {}) {
        const config::Config config = config::parse(toml, "f").value();
        engine->reconfigure(engine::Maps(config),
                            engine::Overrides::parse(overrides_text, "overrides").value(), {});
    }
    async::Task<> ask_into(std::optional<std::string>& out) {
        const auto answer = co_await engine->answer(Nexthop::parse("slow.example.org").value());
        out = answer->replies.at(answer->maps->find("postfix").value());
    }
};

} // namespace

TEST_CASE("the same settings leave the memory as it is") {
    Changing field;
    field.reconfigure("");
    CHECK(field.engine->cached() == 2);
}

TEST_CASE("other maps: answers are written anew") {
    Changing field;
    field.reconfigure("[[map]]\nname = \"postfix\"\nno_policy = \"encrypt\"\n");
    CHECK(field.engine->find("example.org") == nullptr);
    CHECK(field.reply("example.org") == "10:OK encrypt,");
    CHECK(field.reply("example.com") == dane_only);
}

TEST_CASE("other verdict options: answers are decided anew") {
    Changing field;
    CHECK(field.reply("example.com") == dane_only);
    field.reconfigure("[verdict]\npostfix_dnssec = false\n");
    CHECK(field.reply("example.com") == not_found);
}

TEST_CASE("an override that comes, changes or goes counts at once, and drops no other answer") {
    Changing field;
    field.reconfigure("", "example.com may\n");
    CHECK(field.engine->find("example.org") != nullptr);
    CHECK(field.reply("example.com") == "6:OK may,");
    field.reconfigure("", "example.com none\n");
    CHECK(field.reply("example.com") == "7:OK none,");
    field.reconfigure("", "");
    CHECK(field.reply("example.com") == dane_only);
    field.reconfigure("", ".org may\n"); // all that is below it
    CHECK(field.reply("example.org") == "6:OK may,");
}

TEST_CASE("what is known is due at once when its override changes, and nothing else") {
    Changing field;
    REQUIRE(field.engine->next_due() > field.loop.now());
    field.reconfigure("", "example.org encrypt\nnever-asked.example encrypt\n");
    REQUIRE(field.engine->next_due() <= field.loop.now());
    const auto due = field.engine->take_due();
    REQUIRE(due);
    CHECK(due->nexthop.key() == "example.org");
    CHECK(field.engine->next_due() > field.loop.now());
    field.loop.run_until_done(field.engine->look_again(*due));
    const auto kept = field.loop.run_until_done(
        field.store.load(Domain::parse("example.org").value(), "example.org"));
    REQUIRE(kept.nexthop);
    CHECK(kept.nexthop->verdict == "override encrypt");
    field.reconfigure("");
    CHECK(field.engine->take_due().has_value());
}

TEST_CASE("a question in flight ends with the new maps and overrides") {
    Changing field;
    async::Group group(field.loop);
    std::optional<std::string> reply;
    group.start(field.ask_into(reply));
    field.loop.advance(1s);
    SUBCASE("maps") {
        field.reconfigure("[[map]]\nname = \"first\"\nform = \"tlsrpt\"\n"
                          "[[map]]\nname = \"postfix\"\nno_policy = \"encrypt\"\n");
        field.loop.advance(5s);
        CHECK(reply == "10:OK encrypt,");
    }
    SUBCASE("override") {
        field.reconfigure("", "slow.example.org may\n");
        field.loop.advance(5s);
        CHECK(reply == "6:OK may,");
    }
    CHECK(field.reply("slow.example.org") == *reply);
}

TEST_CASE("an answer keeps the maps that it was written for") {
    Changing field;
    const auto before = field.ask("example.org");
    field.reconfigure("[[map]]\nname = \"another\"\nno_policy = \"encrypt\"\n");
    CHECK_FALSE(before->maps->find("another"));
    CHECK(before->replies.size() == before->maps->variants().size());
    const auto after = field.ask("example.org");
    CHECK(after->replies.at(after->maps->find("another").value()) == "10:OK encrypt,");
}
