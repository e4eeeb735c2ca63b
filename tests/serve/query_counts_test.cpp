// SPDX-License-Identifier: BSD-3-Clause
#include "serve/query_counts.h"

#include "serve/engine_behind.h"
#include "serve/socketmap_server.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::serve;
using verdict::Class;

TEST_CASE("query counts: by map, class and source, and the sums of several threads") {
    QueryCounts one;
    one.count(config::Protocol::socketmap, "postfix", Class::dane, Source::memory);
    one.count(config::Protocol::socketmap, "postfix", Class::dane, Source::memory);
    one.count(config::Protocol::tcp_table, "postfix", Class::may, Source::lookup);
    QueryCounts two;
    two.count(config::Protocol::socketmap, "postfix", std::nullopt, Source::none);
    two.count(config::Protocol::delegation, "", Class::dane, Source::memory);
    QueryTotals sum;
    two.add_to(sum);
    one.add_to(sum);
    REQUIRE(sum.maps().size() == 3);
    CHECK(sum.maps()[0].count(Class::dane, Source::memory) == 2);
    CHECK(sum.maps()[0].count(std::nullopt, Source::none) == 1);
    CHECK(sum.maps()[0].count(std::nullopt, Source::memory) == 0);
    CHECK(sum.of_class(Class::dane) == 3);
    CHECK(sum.of_class(Class::may) == 1);
    CHECK(sum.of_source(Source::memory) == 3);
    CHECK(to_string(CountedClass()) == "none");
}

TEST_CASE("query counts: never more than 64 maps, and none is left out") {
    QueryCounts counts;
    for (int i = 0; i < 100; i++)
        counts.count(config::Protocol::socketmap, std::to_string(i), Class::may, Source::memory);
    QueryTotals sum;
    counts.add_to(sum);
    CHECK(sum.maps().size() == 64);
    CHECK(sum.of_class(Class::may) == 100);
}

TEST_CASE("query counts: what the servers count") {
    test::EngineBehind field;
    Counters counters;
    engine::Overrides overrides = engine::Overrides::parse("own.example may", "o").value();
    engine::Engine engine({field.loop, field.clock, field.resolver, field.fetcher, field.store,
                           field.log, field.random},
                          field.maps, overrides, engine::Options{});
    engine::LocalHandle engine_handle(engine);
    field.serve(
        std::make_unique<SocketmapServer>(engine_handle, counters, std::vector<std::string>{}));
    const Fd client = field.connect();
    for (const std::string_view request :
         {"19:postfix example.com,", "19:postfix example.com,", "17:QUERY example.com,",
          "12:postfix .a.b,", "19:postfix own.example,", "21:postfix bogus.example,"}) {
        test::Local::write(client, request);
        CHECK(!field.read(client, 1).empty());
        field.turn(milliseconds(5));
        char rest[1024];
        while (::recv(client.get(), rest, sizeof rest, 0) > 0) {
        }
    }
    QueryTotals sum;
    counters.by_map.add_to(sum);
    REQUIRE(sum.maps().size() == 2);
    const QueryTotals::OfMap& postfix = sum.maps()[0];
    CHECK(postfix.map == "postfix");
    CHECK(postfix.count(Class::dane, Source::lookup) == 1);
    CHECK(postfix.count(Class::dane, Source::memory) == 1);
    CHECK(postfix.count(std::nullopt, Source::none) == 1);
    CHECK(postfix.count(Class::override_, Source::none) == 1);
    CHECK(postfix.count(Class::tempfail, Source::lookup) == 1);
    CHECK(sum.maps()[1].count(Class::dane, Source::memory) == 1);
    CHECK(sum.of_source(Source::memory) == 2);
    field.server.reset();
}
