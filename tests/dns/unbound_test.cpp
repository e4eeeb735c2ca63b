// SPDX-License-Identifier: BSD-3-Clause
#include "async/block_on.h"
#include "dns/unbound.h"
#include "support/rdata.h"
#include "support/temp_file.h"
#include "support/udp_responder.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <string>
#include <vector>

namespace postseal::test {
namespace {

using dns::Answer;
using dns::RrType;
using dns::Security;
using dns::Status;
using dns::Unbound;
using dns::UnboundOptions;

UnboundOptions options_for(const UdpResponder& server) {
    UnboundOptions options;
    options.trust_anchor.clear();
    options.root_hints.clear();
    options.forward = {server.address()};
    return options;
}

// A loop, a name server on it, and libunbound asking that name server.
struct World {
    async::UvLoop loop;
    UdpResponder server{loop};
    std::unique_ptr<Unbound> resolver;

    explicit World(milliseconds timeout = milliseconds(8000)) {
        UnboundOptions options = options_for(server);
        options.timeout = timeout;
        start(options);
    }
    explicit World(std::vector<std::string> trust_anchor) {
        UnboundOptions options = options_for(server);
        options.trust_anchor = std::move(trust_anchor);
        start(options);
    }
    void start(const UnboundOptions& options) {
        auto opened = Unbound::open(loop, options);
        REQUIRE_MESSAGE(opened, opened.error());
        resolver = *std::move(opened);
    }
    Answer ask(std::string name, RrType type) {
        return async::block_on(loop, resolver->resolve(std::move(name), type));
    }
    template <class Until> bool turn_until(Until until, milliseconds limit) {
        bool late = false;
        async::Timer timer;
        timer.start(loop, limit, {[](void* p) { *static_cast<bool*>(p) = true; }, &late});
        while (!late && !until())
            loop.run_once();
        return !late;
    }
};

TEST_CASE("unbound: a round trip needs no name server, and no place in the queue") {
    World world;
    CHECK(async::block_on(world.loop, world.resolver->round_trip()));
    CHECK(world.resolver->in_flight() == 0);
}

TEST_CASE("unbound: a positive answer") {
    World world;
    world.server.set("example.com 15",
                     {.rcode = 0,
                      .answer = {{"example.com", 15, 600, rdata_of("MX", "10 mx.example.com")},
                                 {"example.com", 15, 600, rdata_of("MX", "20 mx2.example.com")}},
                      .authority = {}});
    const Answer answer = world.ask("example.com", RrType::mx);
    CHECK(answer.status == Status::found);
    CHECK(answer.security == Security::insecure);
    CHECK(answer.canonical_name.empty());
    CHECK(answer.rdata.size() == 2);
    CHECK(std::ranges::count(answer.rdata, rdata_of("MX", "10 mx.example.com")) == 1);
    CHECK(answer.ttl == seconds(600));
    CHECK(answer.reason.empty());
}

TEST_CASE("unbound: a CNAME gives the canonical name, lower case, and its TTL counts") {
    World world;
    world.server.set("www.example.com 1",
                     {.rcode = 0,
                      .answer = {{"www.example.com", 5, 250, wire_name("Host.Example.NET")},
                                 {"Host.Example.NET", 1, 600, rdata_of("A", "192.0.2.1")}},
                      .authority = {}});
    world.server.set("Host.Example.NET 1",
                     {.rcode = 0,
                      .answer = {{"Host.Example.NET", 1, 600, rdata_of("A", "192.0.2.1")}},
                      .authority = {}});
    const Answer answer = world.ask("www.example.com", RrType::a);
    CHECK(answer.status == Status::found);
    CHECK(answer.canonical_name == "host.example.net");
    CHECK(answer.ttl == seconds(250));
    CHECK(answer.rdata == std::vector<std::string>{rdata_of("A", "192.0.2.1")});
}

TEST_CASE("unbound: the CNAME record itself") {
    World world;
    world.server.set("www.example.com 5",
                     {.rcode = 0,
                      .answer = {{"www.example.com", 5, 250, wire_name("host.example.net")}},
                      .authority = {}});
    const Answer answer = world.ask("www.example.com", RrType::cname);
    CHECK(answer.status == Status::found);
    CHECK(answer.canonical_name.empty());
    CHECK(answer.rdata == std::vector<std::string>{wire_name("host.example.net")});
}

TEST_CASE("unbound: negative TTLs are the SOA's, bounded by its minimum field (RFC 2308)") {
    World world;
    const auto negative = [&](unsigned rcode, std::uint32_t ttl, std::uint32_t minimum) {
        return UdpResponder::Reply{
            .rcode = rcode, .answer = {}, .authority = {{"example.com", 6, ttl, soa(minimum)}}};
    };
    world.server.set("a.example.com 52", negative(0, 900, 120));
    world.server.set("b.example.com 52", negative(0, 90, 1200));
    world.server.set("c.example.com 52", negative(3, 900, 130));
    Answer answer = world.ask("a.example.com", RrType::tlsa);
    CHECK(answer.status == Status::no_data);
    CHECK(answer.security == Security::insecure);
    CHECK(answer.ttl == seconds(120));
    answer = world.ask("b.example.com", RrType::tlsa);
    CHECK(answer.status == Status::no_data);
    CHECK(answer.ttl == seconds(90));
    answer = world.ask("c.example.com", RrType::tlsa);
    CHECK(answer.status == Status::nxdomain);
    CHECK(answer.ttl == seconds(130));
    CHECK(answer.rdata.empty());
}

TEST_CASE("unbound: a negative answer without a SOA record may not be kept (RFC 2308 section 5)") {
    World world;
    world.server.set("a.example.com 52", {.rcode = 0, .answer = {}, .authority = {}});
    const Answer answer = world.ask("a.example.com", RrType::tlsa);
    CHECK(answer.status == Status::no_data);
    CHECK(answer.ttl == seconds(0));
}

TEST_CASE("unbound: a negative answer through a CNAME") {
    World world;
    world.server.set("a.example.com 52",
                     {.rcode = 3,
                      .answer = {{"a.example.com", 5, 70, wire_name("b.example.net")}},
                      .authority = {{"example.net", 6, 900, soa(130)}}});
    world.server.set("b.example.net 52",
                     {.rcode = 3, .answer = {}, .authority = {{"example.net", 6, 900, soa(130)}}});
    const Answer answer = world.ask("a.example.com", RrType::tlsa);
    CHECK(answer.status == Status::nxdomain);
    CHECK(answer.canonical_name == "b.example.net");
    CHECK(answer.ttl == seconds(70));
}

TEST_CASE("unbound: a cached answer's TTL counts down from what it was") {
    World world;
    world.server.set("example.com 1",
                     {.rcode = 0,
                      .answer = {{"example.com", 1, 600, rdata_of("A", "192.0.2.1")}},
                      .authority = {}});
    static_cast<void>(world.ask("example.com", RrType::a));
    const std::size_t before = world.server.received();
    const Answer answer = world.ask("example.com", RrType::a);
    CHECK(world.server.received() == before);
    CHECK(answer.ttl <= seconds(600));
    CHECK(answer.ttl >= seconds(590));
}

TEST_CASE("unbound: SERVFAIL is a failure with a reason and no TTL") {
    World world;
    world.server.set("example.com 15", {.rcode = 2, .answer = {}, .authority = {}});
    const Answer answer = world.ask("example.com", RrType::mx);
    CHECK(answer.status == Status::failed);
    CHECK(answer.reason.starts_with("SERVFAIL"));
    CHECK(answer.ttl == seconds(0));
}

TEST_CASE("unbound: what should be signed and is not is bogus, and says why") {
    TempFile anchor("signed.example. IN DS 12345 8 2 "
                    "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d\n");
    World world({anchor.path()});
    CHECK(world.resolver->warnings().empty());
    world.server.set("mx.signed.example 1",
                     {.rcode = 0,
                      .answer = {{"mx.signed.example", 1, 600, rdata_of("A", "192.0.2.1")}},
                      .authority = {}});
    world.server.set("signed.example 48",
                     {.rcode = 0, .answer = {}, .authority = {{"signed.example", 6, 9, soa(9)}}});
    world.server.set("other.example 1",
                     {.rcode = 0,
                      .answer = {{"other.example", 1, 600, rdata_of("A", "192.0.2.2")}},
                      .authority = {}});
    const Answer answer = world.ask("mx.signed.example", RrType::a);
    CHECK(answer.status == Status::bogus);
    CHECK_FALSE(answer.reason.empty());
    CHECK_FALSE(answer.reason.starts_with("validation failure"));
    CHECK(answer.reason.find('\n') == std::string::npos);
    CHECK(answer.ttl == seconds(0));
    CHECK(answer.rdata.empty());
    CHECK(world.ask("other.example", RrType::a).status == Status::found);
}

TEST_CASE("unbound: a name that libunbound cannot read") {
    World world;
    const Answer answer = world.ask("a..b", RrType::a);
    CHECK(answer.status == Status::failed);
    CHECK(answer.reason.starts_with("libunbound: "));
    CHECK(world.resolver->in_flight() == 0);
}

TEST_CASE("unbound: no answer in time") {
    World world(milliseconds(300));
    const Answer answer = world.ask("example.com", RrType::mx);
    CHECK(answer.status == Status::failed);
    CHECK(answer.reason == "no answer in 300 ms");
    CHECK(world.server.received() >= 1);
    CHECK(world.resolver->in_flight() == 0);
    // What was given up neither comes back nor stands in the way of what is asked next.
    world.server.set("* 15", {.rcode = 3, .answer = {}, .authority = {}});
    CHECK(world.ask("example.net", RrType::mx).status == Status::nxdomain);
}

TEST_CASE("unbound: the default limit is told in seconds") {
    World world(milliseconds(1000));
    CHECK(world.ask("example.com", RrType::mx).reason == "no answer in 1 s");
}

struct Pending final : async::Done {
    bool ended = false;
    async::Outcome<Answer> outcome;
    std::optional<async::Driver> driver;
    void done() noexcept override { ended = true; }
};

constexpr int client[] = {0, 1};

// On behalf of so many clients in turn.
std::list<Pending> ask_many(World& world, unsigned count, unsigned clients = 2) {
    std::list<Pending> out;
    for (unsigned i = 0; i < count; i++) {
        Pending& pending = out.emplace_back();
        pending.driver.emplace(async::drive_into(
            static_cast<async::Done&>(pending),
            world.resolver->resolve_for({.client = &client[i % clients]},
                                        fmt::format("d{}.example.com", i), RrType::mx),
            pending.outcome));
    }
    return out;
}

TEST_CASE("unbound: one client has 96 questions at once, another is asked for meanwhile") {
    World world;
    const std::list<Pending> questions = ask_many(world, 200, 1);
    CHECK(world.resolver->in_flight() == 96);
    CHECK(world.resolver->waiting() == 104);
    world.server.set("other.example 15", {.rcode = 3, .answer = {}, .authority = {}});
    const Answer answer =
        async::block_on(world.loop, world.resolver->resolve_for({.client = &client[1]},
                                                                "other.example", RrType::mx));
    CHECK(answer.status == Status::nxdomain);
    CHECK(world.resolver->waiting() == 104);
}

TEST_CASE("unbound: 128 questions at once, the rest waits in order") {
    World world;
    std::list<Pending> questions = ask_many(world, 200);
    CHECK(world.resolver->in_flight() == 128);
    CHECK(world.resolver->waiting() == 72);
    CHECK(world.turn_until([&] { return world.server.received() >= 128; }, milliseconds(5000)));

    // Withdrawn, waiting or not: the number with libunbound stays, the queue gets shorter.
    questions.erase(questions.begin(), std::next(questions.begin(), 10));
    questions.pop_back();
    CHECK(world.resolver->in_flight() == 128);
    CHECK(world.resolver->waiting() == 61);

    world.server.set("* 15", {.rcode = 3, .answer = {}, .authority = {}});
    const auto all_ended = [&] {
        CHECK(world.resolver->in_flight() <= 128);
        return std::ranges::all_of(questions, [](const Pending& p) { return p.ended; });
    };
    CHECK(world.turn_until(all_ended, milliseconds(15'000)));
    for (const Pending& question : questions) {
        CHECK(question.outcome.value.value_or(Answer{}).status == Status::nxdomain);
    }
    CHECK(world.resolver->in_flight() == 0);
    CHECK(world.resolver->waiting() == 0);
}

TEST_CASE("unbound: a question that never left the queue says so") {
    World world(milliseconds(400));
    std::list<Pending> questions = ask_many(world, 129);
    CHECK(world.turn_until(
        [&] { return std::ranges::all_of(questions, [](const Pending& p) { return p.ended; }); },
        milliseconds(5000)));
    CHECK(questions.front().outcome.value.value_or(Answer{}).reason == "no answer in 400 ms");
    // The first 128 give up in the same turn, so the last may have been handed a place just then.
    const Answer last = questions.back().outcome.value.value_or(Answer{});
    CHECK(is_unasked(last));
    CHECK((last.reason == "not asked within 400 ms: 128 lookups were before it" ||
           last.reason.starts_with("no answer in 400 ms, of which ")));
}

TEST_CASE("unbound: a question is counted while it is queued, and blames nobody for that time") {
    World world(milliseconds(800));
    std::list<Pending> before = ask_many(world, 128);
    CHECK_FALSE(world.turn_until([] { return false; }, milliseconds(200)));
    std::size_t queued = 0;
    Pending late;
    late.driver.emplace(
        async::drive_into(static_cast<async::Done&>(late),
                          world.resolver->resolve_for({.client = nullptr, .queued = &queued},
                                                      "late.example", RrType::mx),
                          late.outcome));
    CHECK(queued == 1);
    CHECK(world.turn_until([&] { return late.ended; }, milliseconds(5000)));
    CHECK(queued == 0);
    // It was asked 600 ms late, if at all, and could not have had an answer in the rest.
    const Answer answer = late.outcome.value.value_or(Answer{});
    CHECK(answer.failure == dns::Failure::busy);
    CHECK(is_unasked(answer));
}

TEST_CASE("unbound: destroyed with questions outstanding") {
    World world;
    {
        const std::list<Pending> questions = ask_many(world, 200);
        CHECK(world.turn_until([&] { return world.server.received() >= 20; }, milliseconds(5000)));
    }
    CHECK(world.resolver->in_flight() == 0);
    CHECK(world.resolver->waiting() == 0);
    // Late answers to withdrawn questions are dropped.
    world.server.set("* 15", {.rcode = 3, .answer = {}, .authority = {}});
    CHECK(world.ask("example.net", RrType::mx).status == Status::nxdomain);
    world.resolver.reset();
}

TEST_CASE("unbound: withdrawn between libunbound's answer and its delivery") {
    World world;
    world.server.set("* 15", {.rcode = 3, .answer = {}, .authority = {}});
    for (int round = 0; round < 20; round++) {
        std::list<Pending> questions = ask_many(world, 8);
        while (std::ranges::none_of(questions, [](const Pending& p) { return p.ended; }))
            world.loop.run_once();
    }
    CHECK(world.resolver->in_flight() == 0);
    CHECK(world.ask("example.net", RrType::mx).status == Status::nxdomain);
}

TEST_CASE("unbound: faults of the set-up are one clear sentence") {
    async::UvLoop loop;
    const auto error = [&](const UnboundOptions& options) {
        const auto opened = Unbound::open(loop, options);
        return opened ? std::string() : opened.error();
    };
    UnboundOptions options;
    options.trust_anchor = {"/nowhere/root.key"};
    options.root_hints.clear();
    CHECK(error(options) ==
          "cannot read the trust anchor /nowhere/root.key: No such file or directory; install the "
          "package dns-root-data, or name a file with the root's DS or DNSKEY records");
    options.trust_anchor = {"/"};
    CHECK(error(options).starts_with("cannot read the trust anchor /: Is a directory;"));

    options.trust_anchor.clear();
    options.forward = {"ns.example.com"};
    CHECK(error(options) ==
          "dns.forward: \"ns.example.com\" is not an IP address, or one followed by @ and a port");
    options.forward.clear();
    options.stub = {"example"};
    CHECK(error(options) == "dns.stub: \"example\" is not of the form zone=address");
    options.stub.clear();

    options.root_hints = "/nowhere/root.hints";
    CHECK(error(options) ==
          "cannot read the root hints /nowhere/root.hints: No such file or directory; install the "
          "package dns-root-data, or set dns.root_hints to \"\" for those built into libunbound");
    const TempFile empty("; nothing\n");
    options.root_hints = empty.path();
    CHECK(error(options) == "root hints " + empty.path() + " name no address of a name server");
    options.root_hints.clear();

    options.unbound_conf = "/nowhere/unbound.conf";
    CHECK(error(options) ==
          "cannot read dns.unbound_conf /nowhere/unbound.conf: No such file or directory");
    const TempFile wrong("server:\n  no-such-option: yes\n");
    options.unbound_conf = wrong.path();
    CHECK(error(options).starts_with("libunbound does not accept dns.unbound_conf " + wrong.path() +
                                     ": "));
}

TEST_CASE("unbound: warnings of the set-up") {
    async::UvLoop loop;
    UnboundOptions options;
    options.root_hints.clear();
    const auto warnings = [&] {
        const auto opened = Unbound::open(loop, options);
        REQUIRE_MESSAGE(opened, opened.error());
        return (*opened)->warnings();
    };
    options.trust_anchor.clear();
    REQUIRE(warnings().size() == 1);
    CHECK(warnings().front().starts_with("no trust anchor is configured"));
    const TempFile old(". IN DS 20326 8 2 "
                       "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n");
    options.trust_anchor = {old.path()};
    REQUIRE(warnings().size() == 1);
    CHECK(warnings().front().find("lacks key 38696") != std::string::npos);
    const TempFile both(". IN DS 38696 8 2 "
                        "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n");
    options.trust_anchor.push_back(both.path());
    CHECK(warnings().empty());
}

} // namespace
} // namespace postseal::test
