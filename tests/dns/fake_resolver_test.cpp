// SPDX-License-Identifier: BSD-3-Clause
#include "support/fake_resolver.h"
#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace postseal::test {
namespace {

using namespace std::string_literals;

using dns::Answer;
using dns::RrType;
using dns::Security;
using dns::Status;

Answer ask(std::string_view world, std::string name, RrType type) {
    VirtualLoop loop;
    FakeResolver resolver(loop, world);
    return loop.run_until_done(resolver.resolve(std::move(name), type));
}

TEST_CASE("fake resolver: records, negative answers, failures") {
    constexpr std::string_view world = R"(
        # a comment
        zone a.test secure 60
        a.test A secure 30 192.0.2.1
        a.test A secure 20 192.0.2.2
        b.test * failed SERVFAIL
        b.test A bogus no good
    )";
    const Answer found = ask(world, "a.test", RrType::a);
    CHECK(found.status == Status::found);
    CHECK(found.security == Security::secure);
    CHECK(found.rdata == std::vector<std::string>{"\xc0\x00\x02\x01"s, "\xc0\x00\x02\x02"s});
    CHECK(found.ttl == seconds(20));
    CHECK(found.canonical_name.empty());

    const Answer no_data = ask(world, "a.test", RrType::mx);
    CHECK(no_data.status == Status::no_data);
    CHECK(no_data.security == Security::secure);
    CHECK(no_data.ttl == seconds(60));
    CHECK(ask(world, "x.a.test", RrType::mx).status == Status::nxdomain);
    CHECK(ask(world, "x.a.test", RrType::mx).security == Security::secure);
    CHECK(ask(world, "c.test", RrType::mx).security == Security::insecure);
    CHECK(ask(world, "b.test", RrType::mx).status == Status::failed);
    CHECK(ask(world, "b.test", RrType::a).reason == "no good");
}

TEST_CASE("fake resolver: a CNAME chain has the weakest security and the least TTL") {
    constexpr std::string_view world = R"(
        a.test CNAME secure 50 b.test
        b.test CNAME insecure 40 c.test
        c.test A secure 300 192.0.2.1
    )";
    const Answer answer = ask(world, "a.test", RrType::a);
    CHECK(answer.status == Status::found);
    CHECK(answer.security == Security::insecure);
    CHECK(answer.ttl == seconds(40));
    CHECK(answer.canonical_name == "c.test");
    const Answer alias = ask(world, "a.test", RrType::cname);
    CHECK(alias.security == Security::secure);
    CHECK(alias.rdata == std::vector<std::string>{"\x01"
                                                  "b"
                                                  "\x04"
                                                  "test\0"s});
}

TEST_CASE("fake resolver: delay, and lines that are replaced") {
    VirtualLoop loop;
    FakeResolver resolver(loop, "a.test A delay 250\na.test A secure 30 192.0.2.1");
    const MonoTime begin = loop.now();
    Answer answer = loop.run_until_done(resolver.resolve("a.test", RrType::a));
    CHECK(loop.now() - begin == milliseconds(250));
    CHECK(answer.status == Status::found);
    resolver.set("a.test A failed REFUSED");
    answer = loop.run_until_done(resolver.resolve("a.test", RrType::a));
    CHECK(answer.reason == "REFUSED");
    CHECK(loop.now() - begin == milliseconds(250));
    CHECK(resolver.count("a.test A") == 2);
    CHECK(resolver.count("a.test AAAA") == 0);
}

TEST_CASE("fake resolver: a question that hangs is a deadlock to the loop") {
    VirtualLoop loop;
    FakeResolver resolver(loop, "a.test A hang");
    CHECK_THROWS(static_cast<void>(loop.run_until_done(resolver.resolve("a.test", RrType::a))));
    CHECK(resolver.in_flight() == 0);
}

TEST_CASE("fake resolver: a fault in the text is not taken for a world") {
    VirtualLoop loop;
    for (const char* text : {
             "a.test A",
             "a.test B secure 30 192.0.2.1",
             "a.test A safe 30 192.0.2.1",
             "a.test A secure x 192.0.2.1",
             "a.test A secure 30",
             "a.test A secure 30 192.0.2",
             "a.test * secure 30 192.0.2.1",
             "a.test MX secure 30 mx.test",
             "a.test TLSA secure 30 3 1 1 xx",
             "a.test TXT secure 30 no quotes",
             "zone a.test",
         }) {
        CAPTURE(text);
        CHECK_THROWS(FakeResolver(loop, text));
    }
}

} // namespace
} // namespace postseal::test
