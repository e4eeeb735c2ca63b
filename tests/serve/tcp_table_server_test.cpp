// SPDX-License-Identifier: BSD-3-Clause
#include "serve/tcp_table_server.h"

#include "postseal/wire/tcp_table.h"
#include "serve/engine_behind.h"
#include "serve/transcript.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::serve;

namespace {

struct Field : test::EngineBehind {
    explicit Field(const std::string& map = "postfix", const std::string& more = {})
        : EngineBehind(fmt::format("[[listen]]\naddress = \"inet:127.0.0.1:1\"\n"
                                   "protocol = \"tcp_table\"\nmaps = [\"{}\"]\n{}",
                                   map, more)) {
        serve(std::make_unique<TcpTableServer>(engine_handle, counters, map));
    }
    // The one line that answers.
    std::string ask(std::string_view key) {
        const Fd client = connect();
        write(client, fmt::format("get {}\n", key));
        std::string got;
        while (!got.ends_with('\n') && !got.ends_with("EOF"))
            got += read(client, 1);
        return got;
    }
    Counters counters;
};

} // namespace

TEST_CASE("tcp_table: a query is looked up once and then answered from memory") {
    Field field;
    CHECK(field.ask("example.com") == "200 dane-only\n");
    CHECK(field.counters.looked_up == 1);
    field.settle();
    CHECK(field.ask("example.com") == "200 dane-only\n");
    CHECK(field.ask("EXAMPLE%2ecom.") == "200 dane-only\n");
    CHECK(field.counters.cached == 2);
    CHECK(field.counters.queries == 3);
    CHECK(field.counters.tcp_table == 3);
    CHECK(field.counters.socketmap == 0);
}

TEST_CASE("tcp_table: an address that has an override is answered by it") {
    Field field;
    field.override_by("[192.0.2.1] secure match=mx.example\n");
    CHECK(field.ask("[192.0.2.1]") == "200 secure%20match=mx.example\n");
    CHECK(field.ask("192.0.2.1:25") == "200 secure%20match=mx.example\n");
    CHECK(field.ask("[192.0.2.2]") == "500 no%20policy\n");
}

TEST_CASE("tcp_table: transcripts, cut at every octet boundary") {
    Field field;
    check_transcript(field, "get example.com\n", "200 dane-only\n");
    check_transcript(field, "get none.example\n", "500 no%20policy\n");
    check_transcript(field, "get .example.com\nget [192.0.2.1]\nget \n",
                     "500 no%20policy\n500 no%20policy\n500 no%20policy\n");
    check_transcript(field, "put example.com may\nget example.com\n",
                     "500 this%20table%20cannot%20be%20written%20to\n200 dane-only\n");
    // A temporary failure closes nothing.
    check_transcript(field, "get bogus.example\nget example.com\n",
                     "400 MX%20bogus.example%20is%20bogus:%20signature%20expired\n"
                     "200 dane-only\n");
    check_transcript(field, "get example.com\nGET example.com\n", "200 dane-only\nEOF");
    check_transcript(field, "get a b\n", "EOF");
}

TEST_CASE("tcp_table: pipelined queries are answered in order, whatever each takes") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, "get slow.example\nget example.com\nput x y\nget none.example\n");
    const std::string expected = "500 no%20policy\n200 dane-only\n"
                                 "500 this%20table%20cannot%20be%20written%20to\n"
                                 "500 no%20policy\n";
    CHECK(field.read(client, expected.size()) == expected);
}

TEST_CASE("tcp_table: what is malformed closes its connection and is counted") {
    Field field;
    for (const std::string& bad :
         {std::string("delete x\n"), std::string("get %zz\n"),
          std::string("19:postfix example.com,"), "get " + std::string(4096, 'a')}) {
        CAPTURE(bad);
        const Fd client = field.connect();
        Field::write(client, "get example.com\n" + bad);
        CHECK(field.read(client, 100) == "200 dane-only\nEOF");
    }
    CHECK(field.shared.complaints().count() == 4);
}

TEST_CASE("tcp_table: a policy that does not fit into a line is written shorter") {
    Field field("tlsrpt");
    std::string mx;
    for (int i = 0; i < 60; i++)
        mx += fmt::format("mx: {}{}.example.net\n", std::string(30, 'a'), i);
    field.fetcher.serve("sts.example", "version: STSv1\nmode: enforce\nmx: mx.sts.example\n" + mx +
                                           "max_age: 86400\n");
    const std::string reply = field.ask("sts.example");
    CAPTURE(reply);
    CHECK(reply.size() <= wire::tcp_table::max_line);
    CHECK(reply.find("mx_host_pattern=mx.sts.example%20{") != std::string::npos);
    CHECK(wire::tcp_table::decode(reply).starts_with("200 secure match=mx.sts.example "));
}

TEST_CASE("tcp_table: an override that does not fit is a temporary failure") {
    Field field;
    const std::string text =
        "secure match=" + std::string(2000, 'a') + " match=" + std::string(2100, 'b');
    engine::Overrides overrides = engine::Overrides::parse("x.example " + text, "o").value();
    engine::Engine other({field.loop, field.clock, field.resolver, field.fetcher, field.store,
                          field.log, field.random},
                         field.maps, overrides, engine::Options{});
    engine::LocalHandle engine_handle(other);
    field.serve(std::make_unique<TcpTableServer>(engine_handle, field.counters, "postfix"));
    CHECK(field.ask("x.example") == "400 the%20policy%20is%20over%204096%20octets\n");
    field.server.reset();
}

TEST_CASE("tcp_table: no_policy and requiretls go over the wire as in socketmap") {
    Field strict("strict", "[[map]]\nname = \"strict\"\nno_policy = \"encrypt\"\n");
    CHECK(strict.ask("none.example") == "200 encrypt\n");
    CHECK(strict.ask(".none.example") == "500 no%20policy\n");
    Field requiretls("requiretls");
    CHECK(requiretls.ask("example.com") == "200 enforce\n");
    CHECK(requiretls.ask("none.example") == "200 opportunistic+starttls\n");
}
