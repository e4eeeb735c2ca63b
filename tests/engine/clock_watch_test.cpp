// SPDX-License-Identifier: BSD-3-Clause
#include "engine/clock_watch.h"

#include <doctest/doctest.h>

#include <vector>

using namespace postseal;
using namespace postseal::engine;
using namespace std::chrono_literals;

namespace {

struct TwoHands final : Clock {
    WallTime wall = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
    milliseconds since_boot = 5min;

    [[nodiscard]] WallTime now() const override { return wall; }
    [[nodiscard]] milliseconds elapsed() const override { return since_boot; }
    void pass(milliseconds time) {
        wall += time;
        since_boot += time;
    }
};

struct Watched {
    TwoHands clock;
    std::vector<milliseconds> jumps;
    ClockWatch watch{clock, [this](const store::ClockJump& jump) {
                         jumps.push_back(jump.to - jump.from);
                         // It is told before anybody sees the new time.
                         CHECK(jump.to == clock.wall);
                     }};
};

} // namespace

TEST_CASE("time that passes is no jump, however long") {
    Watched w;
    for (const milliseconds time : {1ms, 26h / 1ms * 1ms, 400 * 24h / 1ms * 1ms}) {
        w.clock.pass(time);
        CHECK(w.watch.now() == w.clock.wall);
    }
    CHECK(w.jumps.empty());
}

TEST_CASE("a day at a time is what a clock may be set by") {
    Watched w;
    for (int i = 0; i < 10; i++) {
        w.clock.wall += 24h;
        CHECK(w.watch.now() == w.clock.wall);
    }
    w.clock.wall -= 24h;
    CHECK(w.watch.now() == w.clock.wall);
    CHECK(w.jumps.empty());
}

TEST_CASE("a jump is told once, with what the clock would have said") {
    Watched w;
    w.clock.pass(1h);
    const WallTime would_have_said = w.clock.wall + 1h;
    w.clock.pass(1h);
    w.clock.wall += 24h + 1ms;
    CHECK(w.watch.now() == would_have_said + 24h + 1ms);
    CHECK(w.watch.now() == w.clock.wall);
    CHECK(w.jumps == std::vector{24h + 1ms});
    w.clock.wall -= 3650 * 24h;
    CHECK(w.watch.now() == w.clock.wall);
    CHECK(w.jumps == std::vector<milliseconds>{24h + 1ms, -3650 * 24h});
    CHECK(w.watch.jumps() == 2);
}

TEST_CASE("a row loaded before jumps is caught up with all of them") {
    Watched w;
    const store::StsRow row{.domain = Domain::parse("example.com").value(),
                            .body = "x",
                            .fetched_at = w.clock.wall,
                            .expires_at = w.clock.wall + 10h};
    w.clock.wall += 100 * 24h;
    CHECK(w.watch.now() == w.clock.wall);
    w.clock.wall += 200 * 24h;
    CHECK(w.watch.now() == w.clock.wall);
    CHECK(w.watch.caught_up(row, 0).expires_at == w.clock.wall + 10h);
    CHECK(w.watch.caught_up(row, 2) == row);
}
