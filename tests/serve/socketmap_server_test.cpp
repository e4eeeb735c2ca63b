// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socketmap_server.h"

#include "serve/engine_behind.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::serve;

namespace {

std::string netstring(std::string_view payload) {
    return fmt::format("{}:{},", payload.size(), payload);
}

struct Field : test::EngineBehind {
    explicit Field(const std::vector<std::string>& allowed = {}) {
        serve(std::make_unique<SocketmapServer>(engine_handle, counters, allowed));
    }
    std::string ask(std::string_view request, std::size_t octets) {
        const Fd client = connect();
        write(client, netstring(request));
        return read(client, octets);
    }
    Counters counters;
};

const std::string dane_only = netstring("OK dane-only");
const std::string not_found = netstring("NOTFOUND ");

} // namespace

TEST_CASE("a query is looked up once and then answered from memory") {
    Field field;
    CHECK(field.ask("postfix example.com", dane_only.size()) == dane_only);
    CHECK(field.counters.looked_up == 1);
    field.settle();
    CHECK(field.ask("postfix example.com", dane_only.size()) == dane_only);
    CHECK(field.ask("QUERYwithTLSRPT EXAMPLE.com.", dane_only.size()) == dane_only);
    CHECK(field.counters.cached == 2);
    CHECK(field.counters.queries == 3);
    CHECK(field.counters.socketmap == 3);
}

TEST_CASE("pipelined queries are answered in order, whatever each takes") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, netstring("postfix slow.example") + netstring("postfix example.com") +
                             netstring("postfix none.example") + netstring("nomap x") +
                             netstring("postfix .example.com"));
    const std::string expected =
        not_found + dane_only + not_found +
        netstring("PERM no such map here; there are: postfix, QUERY, tlsrpt, QUERYwithTLSRPT, "
                  "requiretls") +
        not_found;
    CHECK(field.read(client, expected.size()) == expected);
    CHECK(field.counters.unknown_map == 1);
    CHECK(field.counters.no_nexthop == 1);
}

TEST_CASE("what is not a nexthop has no policy, at once") {
    Field field;
    for (const char* key :
         {"", ".example.com", "[127.0.0.1]", "a!b.example", "/x", "example..com"}) {
        CAPTURE(key);
        CHECK(field.ask(fmt::format("postfix {}", key), not_found.size()) == not_found);
    }
    CHECK(field.resolver.questions().empty());
}

TEST_CASE("an address that has an override is answered by it, from memory the second time") {
    Field field;
    field.override_by("[192.0.2.1]:587 encrypt\n[IPv6:2001:db8::1] secure match=mx.example\n");
    const std::string encrypt = netstring("OK encrypt");
    CHECK(field.ask("postfix [192.0.2.1]:submission", encrypt.size()) == encrypt);
    CHECK(field.ask("tlsrpt 192.0.2.1:587", encrypt.size()) == encrypt);
    CHECK(field.counters.looked_up == 1);
    CHECK(field.counters.cached == 1);
    const std::string secure = netstring("OK secure match=mx.example");
    CHECK(field.ask("QUERY [2001:DB8::1]", secure.size()) == secure);
    // Asked for [2001:db8::1]:587, too.
    const std::string starttls = netstring("OK opportunistic+starttls");
    CHECK(field.ask("requiretls 192.0.2.1", starttls.size()) == starttls);
    for (const char* other : {"[192.0.2.1]", "192.0.2.1", "[192.0.2.2]:587", "[::1]"})
        CHECK(field.ask(fmt::format("postfix {}", other), not_found.size()) == not_found);
    CHECK(field.counters.no_nexthop == 5);
    CHECK(field.resolver.questions().empty());
    field.override_by("");
    CHECK(field.ask("postfix [192.0.2.1]:587", not_found.size()) == not_found);
}

TEST_CASE("requiretls is answered by whether the TLS policy authenticates") {
    Field field;
    const std::string enforce = netstring("OK enforce");
    const std::string opportunistic = netstring("OK opportunistic+starttls");
    CHECK(field.ask("requiretls example.com", enforce.size()) == enforce);
    CHECK(field.ask("requiretls none.example", opportunistic.size()) == opportunistic);
    // Silence would mean enforce to Postfix.
    CHECK(field.ask("requiretls 192.0.2.1", opportunistic.size()) == opportunistic);
}

TEST_CASE("a tempfail carries its reason") {
    Field field;
    const std::string reply = field.ask("postfix bogus.example", 40);
    CAPTURE(reply);
    CHECK(reply.find(":TEMP ") != std::string::npos);
    CHECK(reply.find("bogus.example") != std::string::npos);
}

TEST_CASE("a listener offers the maps it is allowed to") {
    Field field({"tlsrpt"});
    CHECK(field.ask("tlsrpt example.com", dane_only.size()) == dane_only);
    const std::string refused = netstring("PERM no such map here; there are: tlsrpt");
    CHECK(field.ask("postfix example.com", refused.size()) == refused);
}

TEST_CASE("a map is counted by its name in the configuration, however clients write it") {
    Field field;
    for (const char* name : {"POSTFIX", "postfix", "Postfix", "pOsTfIx"})
        CHECK(field.ask(fmt::format("{} example.com", name), dane_only.size()) == dane_only);
    Totals sum;
    add(sum, field.counters);
    REQUIRE(sum.by_map.maps().size() == 1);
    CHECK(sum.by_map.maps()[0].map == "postfix");
}

TEST_CASE("a malformed netstring closes its connection") {
    Field field;
    for (const char* bad : {"x", "01:a,", "3:abcd", "10001:", "7:postfix,"}) {
        CAPTURE(bad);
        const Fd client = field.connect();
        Field::write(client, netstring("postfix example.com") + bad);
        CHECK(field.read(client, 100) == dane_only + "EOF");
    }
    CHECK(field.shared.complaints().count() == 5);
}
