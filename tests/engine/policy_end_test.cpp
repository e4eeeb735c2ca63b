// engine/policy_end_test.cpp: a policy that ends while it is loaded, looked up or judged
//
// Its host serves it all the time, so no answer may be without it, wherever the time goes.
// SPDX-License-Identifier: BSD-3-Clause
#include "engine/field.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <vector>

using namespace postseal;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

class SlowStore final : public store::MemoryStore {
  public:
    explicit SlowStore(async::Loop& loop) : loop_(loop) {}
    void delay(milliseconds delay) { delay_ = delay; }
    async::Task<store::Loaded> load(Domain policy_domain, std::string nexthop_key) override {
        co_await async::Sleep(loop_, delay_ / 2);
        auto loaded = co_await MemoryStore::load(std::move(policy_domain), std::move(nexthop_key));
        co_await async::Sleep(loop_, delay_ - delay_ / 2);
        co_return loaded;
    }

  private:
    async::Loop& loop_;
    milliseconds delay_{0};
};

struct Delays {
    milliseconds load{0}, txt{0}, mx{0}, fetch{20};
};

struct Ending : Field {
    explicit Ending(seconds life) {
        set({});
        fetcher.serve("example.org", fmt::format("version: STSv1\nmode: enforce\n"
                                                 "mx: mx.example.org\nmax_age: {}\n",
                                                 life.count()));
        engine.emplace(engine::Dependencies{loop, clock, resolver, fetcher, slow, log, random},
                       maps, overrides, options);
        ask();
    }
    std::shared_ptr<const engine::Answer> ask() {
        return loop.run_until_done(engine->answer(Nexthop::parse("example.org").value()));
    }
    [[nodiscard]] store::StsRow row() {
        slow.delay(0ms);
        const auto loaded =
            loop.run_until_done(slow.load(Domain::parse("example.org").value(), ""));
        return loaded.sts.value();
    }
    void set(const Delays& delays) {
        resolver.set(fmt::format("zone example.org insecure 600\n"
                                 "example.org MX insecure 600 10 mx.example.org\n"
                                 "example.org MX delay {}\n"
                                 "mx.example.org A insecure 600 192.0.2.2\n"
                                 "_mta-sts.example.org TXT insecure 600 \"v=STSv1; id=one;\"\n"
                                 "_mta-sts.example.org TXT delay {}\n",
                                 delays.mx.count(), delays.txt.count()));
        fetcher.delay(delays.fetch);
        slow.delay(delays.load);
    }
    // A new daemon, so that nothing is in memory.
    void restart() {
        engine.emplace(engine::Dependencies{loop, clock, resolver, fetcher, slow, log, random},
                       maps, overrides, options);
    }

    SlowStore slow{loop};
    std::optional<engine::Engine> engine;
};

bool is_secure(const engine::Answer& answer) {
    return answer.verdict.level == verdict::Level::secure;
}

} // namespace

TEST_CASE("no answer is decided past the end of a policy that its host serves") {
    const milliseconds waits[] = {0ms, 60ms, 1500ms, 9s, 12s};
    for (const seconds life : {5s, 20s, 300s})
        for (const milliseconds left : {1ms, 50ms, 1000ms, 8000ms})
            for (int place = 0; place < 4; place++)
                for (const milliseconds wait : waits) {
                    if (left >= life) continue;
                    // The reading of the store itself is bounded elsewhere.
                    if (place == 0 && wait > 9s) continue;
                    CAPTURE(life.count());
                    CAPTURE(left.count());
                    CAPTURE(place);
                    CAPTURE(wait.count());
                    Ending field(life);
                    const WallTime end = field.row().expires_at;
                    field.restart();
                    field.loop.advance(end - left - field.clock.now());
                    Delays delays;
                    (place == 0   ? delays.load
                     : place == 1 ? delays.txt
                     : place == 2 ? delays.mx
                                  : delays.fetch) = wait;
                    field.set(delays);
                    CHECK(is_secure(*field.ask()));
                    field.set({});
                    field.loop.advance(13s); // what is in progress ends
                    CHECK(is_secure(*field.ask()));
                    CHECK(field.row().expires_at > field.clock.now());
                }
}

TEST_CASE("a policy near its end is fetched first, and no more often than its back-off allows") {
    Ending field(std::chrono::hours(24));
    const std::size_t fetched = field.fetcher.fetches();
    const WallTime end = field.row().expires_at;
    SUBCASE("not long before") {
        field.loop.advance(end - 2h - field.clock.now());
        field.ask();
        CHECK(field.fetcher.fetches() == fetched);
    }
    SUBCASE("where the answer would hold past it") {
        field.loop.advance(end - 5min - field.clock.now());
        field.ask();
        CHECK(field.fetcher.fetches() == fetched + 1);
        CHECK(field.row().expires_at > end);
    }
    SUBCASE("though its record is gone") {
        field.resolver.set("_mta-sts.example.org TXT insecure 600 nodata");
        field.loop.advance(end - 5min - field.clock.now());
        field.ask();
        CHECK(field.fetcher.fetches() == fetched + 1);
        CHECK(field.row().expires_at > end);
    }
    SUBCASE("its host is down") {
        field.fetcher.fail("example.org", https::FetchFault::connect, "refused");
        field.loop.advance(end - 8min - field.clock.now());
        for (int second = 0; second < 8 * 60; second++) {
            CHECK(is_secure(*field.ask()));
            field.loop.advance(1s);
        }
        CHECK(field.fetcher.fetches() > fetched + 3); // within half of what is left, each time
        CHECK(field.fetcher.fetches() < fetched + 12);
        CHECK_FALSE(is_secure(*field.ask()));
    }
}

TEST_CASE("a policy that ends during its lookup is tried once more, not for ever") {
    Ending field(1s);
    field.set({.mx = 3s});
    for (int i = 0; i < 5; i++) {
        const std::size_t before = field.fetcher.fetches();
        field.ask(); // max_age 1 with an MX lookup of 3 s: nobody can keep it in force
        CHECK(field.fetcher.fetches() <= before + 2);
        field.loop.advance(10min);
    }
}
