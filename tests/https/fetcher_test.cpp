// SPDX-License-Identifier: BSD-3-Clause
#include "https/fetcher.h"

#include "async/block_on.h"
#include "async/timeout.h"
#include "support/fake_resolver.h"
#include "tls/tls_server.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>

namespace postseal::https {
namespace {

using namespace tls;

using namespace std::chrono_literals;

const std::string host = "mta-sts.example.com";
const std::string text = "version: STSv1\nmode: none\nmax_age: 86400\n";
const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + text;
const Domain domain = Domain::parse("example.com").value();

struct World {
    Authority authority{"Test Root"};
    TemporaryFile ca_file{authority.pem()};
    Identity good = authority.issue({.common_name = "", .dns_names = {host}});

    static const World& get() {
        static const World world;
        return world;
    }
};

FetcherOptions with(milliseconds timeout = 10s, std::size_t at_once = 64) {
    return {.ca_file = "", .allow_private = true, .timeout = timeout, .at_once = at_once};
}

// A loop with a fetcher for one zone and port.
struct Bench {
    async::UvLoop loop;
    test::FakeResolver resolver;
    std::unique_ptr<HttpsPolicyFetcher> fetcher;

    Bench(std::string_view zone, std::uint16_t port, FetcherOptions options = with())
        : resolver(loop, zone) {
        options.ca_file = World::get().ca_file.path();
        options.port = port;
        fetcher = HttpsPolicyFetcher::open(loop, resolver, options).value();
    }
    FetchResult fetch() {
        return async::block_on(loop, fetcher->fetch(domain, {.client = nullptr, .queued = &waits}));
    }
    std::size_t waits = 0; // for a turn, while it fetches
};

const dns::Asker nobody;

const std::string on_v4 = host + " A insecure 60 127.0.0.1\n";
const std::string on_v6 = host + " AAAA insecure 60 ::1\n";

Behaviour wait_for_close() {
    return [](ServerConnection& client) { client.wait_for_close(); };
}

TEST_CASE("fetcher: name, address, TLS, HTTP, policy") {
    const TlsServer server(World::get().good, answer_with(answer));
    Bench bench(on_v4, server.port());
    for (int i = 0; i < 3; i++) {
        const FetchResult result = bench.fetch();
        REQUIRE(result.has_value());
        CHECK(result->body == text);
        CHECK(result->policy.mode == mtasts::Mode::none);
    }
    CHECK(bench.fetcher->under_way() == 0);
}

TEST_CASE("fetcher: IPv6, and IPv4 where IPv6 does not answer") {
    const TlsServer six(World::get().good, answer_with(answer), {.address = "::1"});
    Bench v6_only(on_v6, six.port());
    CHECK(v6_only.fetch().has_value());
    const TlsServer four(World::get().good, answer_with(answer));
    Bench refused(on_v4 + on_v6, four.port());
    CHECK(refused.fetch().has_value());
    const FullListener full("::1", four.port());
    Bench silent(on_v4 + on_v6, four.port());
    CHECK(silent.fetch().has_value());
}

TEST_CASE("fetcher: an address that comes late is tried if the first could not be reached") {
    const TlsServer six(World::get().good, answer_with(answer), {.address = "::1"});
    Bench bench(on_v4 + on_v6 + host + " AAAA delay 600\n", six.port());
    CHECK(bench.fetch().has_value());
    Bench nothing(on_v4 + host + " AAAA insecure 60 nodata\n" + host + " AAAA delay 600\n",
                  six.port());
    CHECK(nothing.fetch().error() ==
          FetchError{FetchFault::connect, host + " [127.0.0.1] Connection refused"});
}

TEST_CASE("fetcher: no connection to an address that is not global") {
    const TlsServer server(World::get().good, answer_with(answer));
    FetcherOptions options = with();
    options.allow_private = false;
    Bench bench(on_v4 + on_v6, server.port(), options);
    CHECK(bench.fetch().error() ==
          FetchError{FetchFault::private_address,
                     host + " [::1] is loopback (RFC 4291), [127.0.0.1] is loopback (RFC 1122); "
                            "https.allow_private is off"});
    CHECK(server.accepted() == 0);
}

TEST_CASE("fetcher: a name without address, or whose lookup fails") {
    Bench nothing("example.com MX insecure 60 nodata\n", 443);
    CHECK(nothing.fetch().error() == FetchError{.fault = FetchFault::dns,
                                                .reason = host + " does not exist",
                                                .no_host = true});
    Bench bogus(host + " * bogus no signature\n", 443);
    CHECK(bogus.fetch().error().fault == FetchFault::dns);
    CHECK(bogus.fetch().error().reason.starts_with("AAAA lookup of " + host + " is bogus: "));
    Bench silent(host + " * hang\n", 443, with(50ms));
    CHECK(silent.fetch().error() ==
          FetchError{FetchFault::dns, host + ": no address found within 50 ms"});
    CHECK(silent.resolver.in_flight() == 0);
}

TEST_CASE("fetcher: the time limit covers lookup and exchange together") {
    const TlsServer server(World::get().good, wait_for_close());
    Bench bench(on_v4 + host + " A delay 700\n", server.port(), with(1s));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(bench.fetch().error() ==
          FetchError{FetchFault::timeout,
                     host + " [127.0.0.1]: the TLS handshake did not end within 1 s"});
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took >= 995ms);
    CHECK(took < 1600ms);
}

async::Task<> fetch_into(HttpsPolicyFetcher& fetcher, int& good) {
    const FetchResult result = co_await fetcher.fetch(domain, nobody);
    if (result) good++;
}

async::Task<int> fetch_many(async::UvLoop& loop, HttpsPolicyFetcher& fetcher, int count) {
    int good = 0;
    async::Group group(loop);
    for (int i = 0; i < count; i++)
        group.start(fetch_into(fetcher, good));
    CHECK(fetcher.under_way() + fetcher.waiting() == static_cast<std::size_t>(count));
    co_await group.join();
    co_return good;
}

TEST_CASE("fetcher: at most so many at once, the rest in turn") {
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    const TlsServer server(World::get().good, [&](ServerConnection& client) {
        const int now = ++inside;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        client.handshake();
        client.read_request();
        std::this_thread::sleep_for(20ms);
        inside--; // no fetch can end before it has its answer
        client.send(answer);
        client.bye();
    });
    Bench bench(on_v4, server.port(), with(10s, 3));
    CHECK(async::block_on(bench.loop, fetch_many(bench.loop, *bench.fetcher, 12)) == 12);
    CHECK(server.accepted() == 12);
    CHECK(most == 3);
    CHECK(bench.fetcher->under_way() == 0);
    CHECK(bench.fetcher->waiting() == 0);
}

TEST_CASE("fetcher: at most so many at once from one address, and more where it answers") {
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    const TlsServer server(World::get().good, [&](ServerConnection& client) {
        const int now = ++inside;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        client.handshake();
        client.read_request();
        std::this_thread::sleep_for(20ms);
        inside--;
        client.send(answer);
        client.bye();
    });
    FetcherOptions options = with(10s);
    options.per_address = 2;
    Bench bench(on_v4, server.port(), options);
    CHECK(async::block_on(bench.loop, fetch_many(bench.loop, *bench.fetcher, 2)) == 2);
    CHECK(most == 2);
    CHECK(async::block_on(bench.loop, fetch_many(bench.loop, *bench.fetcher, 40)) == 40);
    CHECK(most > 2);
    CHECK(most <= 16);
}

TEST_CASE("fetcher: a host that hangs has as many at once as at first, for all who wait") {
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    const TlsServer server(World::get().good, [&](ServerConnection& client) {
        const int now = ++inside;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        client.wait_for_close();
        inside--;
    });
    FetcherOptions options = with(1s);
    options.per_address = 3;
    Bench bench(on_v4, server.port(), options);
    CHECK(async::block_on(bench.loop, fetch_many(bench.loop, *bench.fetcher, 12)) == 0);
    // Those of the next second may be accepted before it is seen that the first have gone.
    CHECK(most <= 6);
    CHECK(server.accepted() <= 6);
}

TEST_CASE("fetcher: who has had no turn at an address in time says so") {
    const TlsServer server(World::get().good, wait_for_close());
    FetcherOptions options = with(1s);
    options.per_address = 1;
    Bench bench(on_v4, server.port(), options);
    async::Group group(bench.loop);
    int good = 0;
    group.start(fetch_into(*bench.fetcher, good));
    group.start(fetch_into(*bench.fetcher, good));
    // The third would have its turn after two seconds.
    CHECK(bench.fetch().error() ==
          FetchError{FetchFault::no_turn, host + ": no turn within 1 s: 1 fetches from [127.0.0.1] "
                                                 "at once (https.per_address)"});
}

TEST_CASE("fetcher: a host whose address nobody was asked for in time had no turn") {
    Bench bench(on_v4 + host + " A queued 30000\n" + host + " AAAA insecure 60 nodata\n", 443,
                with(200ms));
    CHECK(bench.fetch().error() ==
          FetchError{FetchFault::no_turn, host + ": no address found within 200 ms"});
    CHECK(bench.waits == 0);
}

TEST_CASE("fetcher: who waits for a turn says so, and who has one does not") {
    const TlsServer server(World::get().good, wait_for_close());
    FetcherOptions options = with(60s);
    options.per_address = 1;
    Bench bench(on_v4, server.port(), options);
    std::size_t first_waits = 0;
    std::size_t second_waits = 0;
    const auto fetch = [](Bench& at, std::size_t& waits) -> async::Task<> {
        const dns::Asker asker{.client = nullptr, .queued = &waits};
        co_await at.fetcher->fetch(domain, asker);
    };
    const auto pause = [](Bench& at) -> async::Task<> { co_await async::Sleep(at.loop, 300ms); };
    {
        async::Group fetches(bench.loop);
        fetches.start(fetch(bench, first_waits));
        fetches.start(fetch(bench, second_waits));
        async::block_on(bench.loop, pause(bench));
        CHECK(first_waits == 0);
        CHECK(second_waits == 1);
    }
    CHECK(second_waits == 0);
}

TEST_CASE("fetcher: cancelled in the lookup, in the queue and in the exchange") {
    const TlsServer server(World::get().good, wait_for_close());
    Bench looking(host + " * hang\n", server.port());
    CHECK_FALSE(
        async::block_on(looking.loop,
                        async::with_timeout(looking.loop, looking.fetcher->fetch(domain, {}), 20ms))
            .has_value());
    CHECK(looking.resolver.in_flight() == 0);

    Bench bench(on_v4, server.port(), with(60s, 1));
    const auto cancelled = async::block_on(
        bench.loop,
        async::with_timeout(bench.loop, fetch_many(bench.loop, *bench.fetcher, 3), 200ms));
    CHECK_FALSE(cancelled.has_value());
    CHECK(bench.fetcher->under_way() == 0);
    CHECK(bench.fetcher->waiting() == 0);
    CHECK(server.wait_ended(1));
    CHECK(server.accepted() == 1);
}

TEST_CASE("fetcher: it ends while what was cancelled is still at work") {
    const TlsServer server(World::get().good, wait_for_close());
    {
        Bench bench(on_v4, server.port());
        CHECK_FALSE(async::block_on(
                        bench.loop,
                        async::with_timeout(bench.loop, bench.fetcher->fetch(domain, {}), 100ms))
                        .has_value());
    }
    CHECK(server.wait_ended(1));
}

TEST_CASE("fetcher: no trust store, no fetcher") {
    async::UvLoop loop;
    test::FakeResolver resolver(loop);
    const auto fetcher =
        HttpsPolicyFetcher::open(loop, resolver, {.ca_file = "/nonexistent/ca.pem"});
    REQUIRE_FALSE(fetcher.has_value());
    CHECK(fetcher.error() ==
          "cannot read the CA file /nonexistent/ca.pem: No such file or directory");
}

} // namespace
} // namespace postseal::https
