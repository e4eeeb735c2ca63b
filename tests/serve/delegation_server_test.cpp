// SPDX-License-Identifier: BSD-3-Clause
#include "serve/delegation_server.h"

#include "serve/engine_behind.h"
#include "serve/transcript.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::serve;

namespace {

constexpr auto configuration = R"(
[[listen]]
address = "inet:127.0.0.1:1"
protocol = "delegation"
[delegation]
dane = "PREPEND X-Sealed: %c"
may = "550 5.7.1 %d: %r"
override = "PREPEND X-Sealed: %c %d"
tempfail = "DEFER_IF_PERMIT 4.7.5 %r"
)";

std::string request(std::string_view recipient, std::string_view kind = "smtpd_access_policy") {
    return fmt::format("request={}\nprotocol_state=RCPT\nsender=a@example.org\nrecipient={}\n"
                       "mail_version=3.10.13\n\n",
                       kind, recipient);
}

struct Field : test::EngineBehind {
    Field() : EngineBehind(configuration) {
        serve(std::make_unique<DelegationServer>(engine_handle, counters));
    }
    std::string ask(std::string_view octets) {
        const Fd client = connect();
        write(client, octets);
        std::string got;
        while (!got.ends_with("\n\n") && !got.ends_with("EOF"))
            got += read(client, 1);
        return got;
    }
    Counters counters;
};

const std::string dunno = "action=DUNNO\n\n";
const std::string sealed = "action=PREPEND X-Sealed: dane\n\n";
const std::string refused =
    "action=550 5.7.1 none.example: no host to deliver to is found: no policy\n\n";

} // namespace

TEST_CASE("delegation: the class of the recipient's domain chooses the action") {
    Field field;
    CHECK(field.ask(request("b@example.com")) == sealed);
    CHECK(field.counters.looked_up == 1);
    field.settle();
    CHECK(field.ask(request("other@EXAMPLE.com")) == sealed);
    CHECK(field.counters.cached == 1);
    CHECK(field.ask(request("b@none.example")) == refused);
    CHECK(field.ask(request("b@bogus.example")) ==
          "action=DEFER_IF_PERMIT 4.7.5 MX bogus.example is bogus: signature expired\n\n");
    CHECK(field.counters.queries == 4);
    CHECK(field.counters.delegation == 4);
}

TEST_CASE("delegation: transcripts, cut at every octet boundary") {
    Field field;
    check_transcript(field, request("b@example.com"), sealed);
    check_transcript(field, request("b@none.example") + request("b@example.com"), refused + sealed);
    check_transcript(field, "request=smtpd_access_policy\n\n", dunno);
    check_transcript(field, request("b@example.com") + "nonsense\n", sealed + "EOF");
    check_transcript(field, "recipient=b@example.com\n\n", "EOF");
}

TEST_CASE("delegation: what has no domain to ask about is DUNNO, without a lookup") {
    Field field;
    for (const char* recipient :
         {"", "postmaster", "b@", "@", "b@[192.0.2.1]", "b@[IPv6:2001:db8::1]", "b@192.0.2.1",
          "b@[mx.example.com]", "b@example.com:587", "b@.example.com", "b@a!b.example",
          "b@example..com", "b@example.com ", "b@ex\xff.com"}) {
        CAPTURE(recipient);
        CHECK(field.ask(request(recipient)) == dunno);
    }
    CHECK(field.ask(request("b@example.com", "another_kind")) == dunno);
    CHECK(field.resolver.questions().empty());
    CHECK(field.counters.no_nexthop == 15);
}

TEST_CASE("delegation: an address that has an override is of that class") {
    Field field;
    field.override_by("[192.0.2.1] encrypt\n[IPv6:2001:db8::1] may\n");
    const auto action = [](std::string_view address) {
        return fmt::format("action=PREPEND X-Sealed: override {}\n\n", address);
    };
    CHECK(field.ask(request("b@[192.0.2.1]")) == action("192.0.2.1"));
    CHECK(field.ask(request("b@[IPv6:2001:DB8::1]")) == action("2001:db8::1"));
    CHECK(field.ask(request("b@[192.0.2.2]")) == dunno);
    CHECK(field.ask(request("b@[mx.example.com]")) == dunno);
}

TEST_CASE("delegation: the last @ counts") {
    Field field;
    CHECK(field.ask(request("\"b@none.example\"@example.com")) == sealed);
    CHECK(field.ask(request("@none.example:b@example.com.")) == sealed);
}

TEST_CASE("delegation: a reply that takes its time is the only one") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, request("b@slow.example") + request("b@example.com"));
    const std::string expected =
        "action=550 5.7.1 slow.example: no host to deliver to is found: no policy\n\n" + sealed;
    CHECK(field.read(client, expected.size()) == expected);
    Field::write(client, request(""));
    CHECK(field.read(client, dunno.size()) == dunno);
}

TEST_CASE("delegation: what is over a limit closes its connection") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, "request=smtpd_access_policy\nx=" + std::string(9000, 'x'));
    CHECK(field.read(client, 1) == "EOF");
    CHECK(field.shared.complaints().count() == 1);
}
