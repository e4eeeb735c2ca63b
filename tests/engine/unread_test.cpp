// Not read is not absent: a database that is slow or broken, a queue that is long, an operator who
// forgets while a lookup is in progress.
// SPDX-License-Identifier: BSD-3-Clause
#include "engine/field.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

constexpr auto enforce = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 864000\n";

struct Sts : Field {
    explicit Sts(const std::string& configuration = {}) : Field({}, {}, configuration) {
        resolver.set(R"(
zone example.org insecure 600
example.org MX insecure 600 10 mx.example.org
mx.example.org A insecure 600 192.0.2.2
_mta-sts.example.org TXT insecure 600 "v=STSv1; id=one;"
)");
        fetcher.serve("example.org", enforce);
    }
    void host_is_down() {
        fetcher.fail("example.org", https::FetchFault::connect, "connection refused");
        resolver.set("_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=two;\"");
    }
    std::string reason(const std::string& key) { return ask(key)->verdict.temp_reason; }
};

bool is_secure(const std::string& reply) {
    return reply.contains(":OK secure match=mx.example.org");
}
bool is_temp(const std::string& reply) { return reply.contains(":TEMP "); }

// A configuration for each of its values; empty: the default.
std::string untried_policy() {
    std::string configuration;
    SUBCASE("mail is deferred") {}
    SUBCASE("untried_policy = \"continue\"") {
        configuration = "[verdict]\nuntried_policy = \"continue\"\n";
    }
    return configuration;
}

} // namespace

TEST_CASE("a database that says nothing: mail is deferred for the policy that may be there") {
    Sts field;
    REQUIRE(is_secure(field.reply("example.org")));
    field.host_is_down();
    field.restart();
    SUBCASE("for 12 s") { field.store.stall(12s); }
    SUBCASE("for an hour") { field.store.stall(1h); }
    const MonoTime begun = field.loop.now();
    CHECK(field.reason("example.org") ==
          "MTA-STS example.org: the policy that may be stored is not known: the database does not "
          "answer");
    CHECK(field.loop.now() - begun <= 10s);
    // A failed fetch was saved meanwhile; it has not taken the policy's place.
    field.store.stall(0ms);
    field.loop.advance(6min);
    CHECK(is_secure(field.reply("example.org")));
    field.restart();
    CHECK(is_secure(field.reply("example.org")));
}

TEST_CASE("the same when an answer in memory runs out while the database says nothing") {
    Sts field;
    REQUIRE(is_secure(field.reply("example.org")));
    field.host_is_down();
    field.store.stall(1h);
    field.loop.advance(11min);
    CHECK(is_temp(field.reply("example.org")));
}

TEST_CASE("a policy that another node may have, while their store is silent") {
    Sts field;
    field.store.lack("the shared store is silent");
    SUBCASE("what can be fetched decides by itself") {
        CHECK(is_secure(field.reply("example.org")));
        field.host_is_down();
        field.loop.advance(11min);
        CHECK(is_secure(field.reply("example.org")));
    }
    SUBCASE("a record whose policy cannot be fetched") {
        field.host_is_down();
        CHECK(
            field.reason("example.org") ==
            "MTA-STS example.org: the policy that may be stored is not known: the shared store is "
            "silent");
        field.loop.advance(1min); // the fetch is not tried again yet
        CHECK(is_temp(field.reply("example.org")));
        field.store.lack("");
        field.loop.advance(1min);
        CHECK_FALSE(is_temp(field.reply("example.org")));
    }
    SUBCASE("without a record nobody has a policy") {
        field.resolver.set("_mta-sts.example.org TXT insecure 600 nodata");
        CHECK_FALSE(is_temp(field.reply("example.org")));
    }
}

TEST_CASE("a database that cannot be read, and what needs none") {
    Sts field;
    field.store.break_reads("cannot read postseal.db: disk I/O error");
    SUBCASE("a policy that can be fetched decides by itself") {
        CHECK(is_secure(field.reply("example.org")));
        field.store.break_reads("");
        field.restart();
        CHECK(is_secure(field.reply("example.org")));
    }
    SUBCASE("so does DANE of every host") {
        field.resolver.set(R"(
example.org MX secure 600 10 mx.example.org
mx.example.org A secure 900 192.0.2.1
_25._tcp.mx.example.org TLSA secure 300 3 1 1 ab*32
)");
        field.host_is_down();
        CHECK(field.reply("example.org") == "12:OK dane-only,");
    }
    SUBCASE("a fetch that fails does not, nor a record that is gone") {
        field.host_is_down();
        CHECK(is_temp(field.reply("example.org")));
        field.resolver.set("_mta-sts.example.org TXT insecure 600 nodata");
        field.loop.advance(11min);
        CHECK(is_temp(field.reply("example.org")));
        // It is looked at again by itself, soon after the database can be read.
        field.store.break_reads("");
        field.loop.advance(5min);
        CHECK(field.reply("example.org") == "9:NOTFOUND ,");
    }
}

TEST_CASE("a stored policy of a later version, which this one cannot read, is not absent") {
    Sts field;
    const Domain domain = Domain::parse("example.org").value();
    const std::string body = "version: STSv2\nmode: enforce\nmx: mx.example.org\nmax_age: 864000\n";
    field.store.save(store::StsRow{.domain = domain,
                                   .body = body,
                                   .id = "one",
                                   .fetched_at = field.clock.now(),
                                   .expires_at = field.clock.now() + 240h,
                                   .refresh_at = field.clock.now() + 22h});
    bool readable = false;
    SUBCASE("its host serves one that it can read") { readable = true; }
    SUBCASE("its host is down") {
        field.fetcher.fail("example.org", https::FetchFault::connect, "connection refused");
    }
    SUBCASE("its host serves the same") { field.fetcher.serve("example.org", body); }
    SUBCASE("its record is gone") {
        field.resolver.set("_mta-sts.example.org TXT insecure 600 nodata\n");
    }
    const std::string first = field.reply("example.org");
    if (readable) {
        CHECK_MESSAGE(is_secure(first), first);
        return;
    }
    CHECK_MESSAGE(is_temp(first), first);
    CHECK(field.reason("example.org")
              .contains("the policy that may be stored is not known: this "
                        "version cannot read it: "));
    field.restart();
    CHECK(is_temp(field.reply("example.org")));
    const auto row = field.loop.run_until_done(field.store.load(domain, "")).sts.value();
    CHECK(row.body == body); // for the later version
    field.loop.advance(241h);
    CHECK(field.reply("example.org") == "9:NOTFOUND ,"); // its life is over
}

TEST_CASE("without_store = \"continue\": what cannot be read counts as not there") {
    Sts field("[verdict]\nwithout_store = \"continue\"\n");
    field.store.break_reads("cannot read postseal.db: disk I/O error");
    field.host_is_down();
    CHECK(field.reply("example.org") == "9:NOTFOUND ,");
}

TEST_CASE("waiting for a turn of ours is not a failure of the policy host") {
    const std::string configuration = untried_policy();
    const bool proceeds = !configuration.empty();
    Sts field(configuration);
    field.fetcher.turn_after(25s);
    const auto first = field.reply("example.org");
    CHECK((proceeds ? first == "9:NOTFOUND ," : is_temp(first)));
    field.loop.advance(30s);
    CHECK(is_secure(field.reply("example.org")));
}

TEST_CASE("a record that waits in our own queue at the deadline is not absent") {
    const std::string configuration = untried_policy();
    const bool proceeds = !configuration.empty();
    Sts field(configuration);
    field.resolver.set("_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=one;\"\n"
                       "_mta-sts.example.org TXT queued 12000\n");
    const auto first = field.reply("example.org");
    CHECK((proceeds ? first == "9:NOTFOUND ," : is_temp(first)));
    if (!proceeds)
        CHECK(field.reason("example.org") == "MTA-STS example.org: nobody has been asked for the "
                                             "record yet: other lookups come first");
    field.loop.advance(10s);
    CHECK(is_secure(field.reply("example.org")));
}

TEST_CASE("a policy that ends while its successor waits for a turn of ours") {
    Sts field;
    field.fetcher.serve("example.org",
                        "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 100\n");
    REQUIRE(is_secure(field.reply("example.org")));
    field.loop.advance(91s);
    field.restart();
    field.fetcher.turn_after(25s);
    CHECK(is_secure(field.reply("example.org"))); // at the deadline, just after its end
    field.loop.advance(12s);
    CHECK(is_secure(field.reply("example.org"))); // its host has not been asked yet
    field.loop.advance(5s);
    CHECK(is_secure(field.reply("example.org"))); // its successor
}

TEST_CASE("a fetch that had no turn is not stored as failed, and tried again soon") {
    Sts field;
    field.fetcher.fail("example.org", https::FetchFault::no_turn, "no turn within 30 s");
    CHECK(field.reason("example.org") ==
          "MTA-STS example.org: the policy host has not been asked yet: no turn within 30 s");
    const auto loaded = field.loop.run_until_done(
        field.store.load(Domain::parse("example.org").value(), "example.org"));
    CHECK((!loaded.sts || loaded.sts->failures == 0));
    field.fetcher.serve("example.org", enforce);
    field.loop.advance(31s);
    CHECK(is_secure(field.reply("example.org")));
}

TEST_CASE("a fetch that our own DNS made fail is not stored as failed") {
    Sts field;
    field.fetcher.fail_by_us("example.org", "our own DNSSEC validation fails");
    CHECK(field.reply("example.org") == "9:NOTFOUND ,"); // or all mail would wait for our repair
    field.fetcher.serve("example.org", enforce);
    field.restart(); // with the same store
    CHECK(is_secure(field.reply("example.org")));
}

TEST_CASE("a stored policy outlives the time in which our own DNS cannot validate") {
    Sts field;
    REQUIRE(is_secure(field.reply("example.org")));
    SUBCASE("its record can be read, and names another policy") {
        field.resolver.set("_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=two;\"\n");
    }
    SUBCASE("its record cannot be read") {
        field.resolver.set("_mta-sts.example.org TXT bogus our own DNS cannot validate\n");
    }
    field.fetcher.fail_by_us("example.org", "our own DNS cannot validate");
    field.restart();
    for (int day = 0; day < 9; day++) {
        CHECK(is_secure(field.reply("example.org")));
        field.loop.advance(24h);
    }
    const auto loaded = field.loop.run_until_done(
        field.store.load(Domain::parse("example.org").value(), "example.org"));
    CHECK(loaded.sts.value().failures == 0);
}

TEST_CASE("a policy host that was asked and says nothing is not a reason to defer") {
    Sts field;
    field.fetcher.delay(25s);
    CHECK(field.reply("example.org") == "9:NOTFOUND ,"); // RFC 8461 section 3.3
}

TEST_CASE("what is forgotten while it is looked up is not brought back by that lookup") {
    Sts field;
    REQUIRE(is_secure(field.reply("example.org")));
    const Domain domain = Domain::parse("example.org").value();
    field.host_is_down();
    SUBCASE("while the record is looked up") {
        field.resolver.set("_mta-sts.example.org TXT insecure 600 nodata\n"
                           "_mta-sts.example.org TXT delay 3000");
    }
    SUBCASE("while the policy is fetched") { field.fetcher.delay(3s); }
    field.loop.advance(11min);
    async::Group group(field.loop);
    const auto ask = [](Field& of) -> async::Task<> {
        co_await of.engine->answer(Nexthop::parse("example.org").value());
    };
    group.start(ask(field));
    field.loop.advance(1s);
    REQUIRE(group.size() == 1);
    field.engine->forget(Nexthop::parse("example.org").value());
    field.loop.advance(20s);
    CHECK(group.size() == 0);
    CHECK(field.reply("example.org") == "9:NOTFOUND ,");
    const auto loaded = field.loop.run_until_done(field.store.load(domain, "example.org"));
    CHECK((!loaded.sts || loaded.sts->body.empty()));
    field.restart();
    CHECK(field.reply("example.org") == "9:NOTFOUND ,");
}
