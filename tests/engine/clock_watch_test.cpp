// SPDX-License-Identifier: BSD-3-Clause
#include "engine/clock_watch.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace postseal;
using namespace postseal::engine;
using namespace std::chrono_literals;
using By = ClockWatch::By;

namespace {

struct TwoHands final : Clock {
    WallTime wall = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
    milliseconds since_boot = 5min;
    std::string id = "boot";
    bool kernel = false;

    [[nodiscard]] WallTime now() const override { return wall; }
    [[nodiscard]] milliseconds elapsed() const override { return since_boot; }
    [[nodiscard]] const std::string& boot() const override { return id; }
    [[nodiscard]] bool synchronised() const override { return kernel; }
    void pass(milliseconds time) {
        wall += time;
        since_boot += time;
    }
};

struct Watched {
    explicit Watched(bool synchronised = false) { clock.kernel = synchronised; }
    TwoHands clock;
    std::vector<milliseconds> jumps;
    std::vector<By> confirmed;
    ClockWatch watch{clock,
                     {.jumped =
                          [this](const store::ClockJump& jump) {
                              jumps.push_back(jump.to - jump.from);
                              CHECK(jump.to == clock.wall); // before anybody has the new time
                          },
                      .confirmed = [this](By by) { confirmed.push_back(by); }}};
};

} // namespace

TEST_CASE("time that passes is not a jump, however long, nor is a step of up to a minute") {
    Watched w;
    for (const milliseconds time : {1ms, 26h / 1ms * 1ms, 400 * 24h / 1ms * 1ms}) {
        w.clock.pass(time);
        w.clock.wall += 1min;
        CHECK(w.watch.now() == w.clock.wall);
        w.clock.wall -= 1min;
        CHECK(w.watch.now() == w.clock.wall);
    }
    CHECK(w.jumps.empty());
}

TEST_CASE("a jump is reported once, with what the clock would have said") {
    Watched w;
    w.clock.pass(2h);
    w.clock.wall += 24h;
    CHECK(w.watch.now() == w.clock.wall);
    CHECK(w.watch.now() == w.clock.wall);
    CHECK(w.jumps == std::vector<milliseconds>{24h});
    w.clock.wall -= 3650 * 24h;
    CHECK(w.watch.now() == w.clock.wall);
    CHECK(w.jumps == std::vector<milliseconds>{24h, -3650 * 24h});
    CHECK(w.watch.jumps() == 2);
}

TEST_CASE("a clock is confirmed by the kernel, or by a day of running without a jump") {
    Watched w;
    CHECK(w.watch.confirmed_by() == By::nothing);
    CHECK_FALSE(w.watch.moment().confirmed);
    SUBCASE("by the kernel, later") {
        w.clock.pass(8s);
        w.clock.kernel = true;
        CHECK(w.watch.confirmed_by() == By::kernel);
        w.clock.kernel = false; // what was right stays right
        w.clock.pass(99h);
        CHECK(w.watch.confirmed_by() == By::kernel);
        CHECK(w.watch.moment().confirmed);
        CHECK(w.confirmed == std::vector{By::kernel});
    }
    SUBCASE("by a day") {
        w.clock.pass(23h);
        w.clock.wall += 2h;
        CHECK(w.watch.confirmed_by() == By::nothing);
        w.clock.pass(23h);
        CHECK(w.watch.confirmed_by() == By::nothing);
        w.clock.pass(1h);
        CHECK(w.watch.confirmed_by() == By::running);
        CHECK(w.confirmed == std::vector{By::running});
    }
}

TEST_CASE("a jump takes back what confirmed the clock") {
    Watched w(true);
    CHECK(w.watch.confirmed_by() == By::kernel);
    w.clock.kernel = false;
    w.clock.pass(1h);
    w.clock.wall += 13h;
    CHECK(w.watch.confirmed_by() == By::nothing);
    w.clock.wall -= 13h;
    w.clock.pass(2s);
    CHECK(w.watch.confirmed_by() == By::nothing);
    w.clock.kernel = true;
    w.clock.pass(2s);
    CHECK(w.watch.confirmed_by() == By::kernel);
    CHECK(w.jumps == std::vector<milliseconds>{13h, -13h});
}

TEST_CASE("a clock is confirmed by two policy hosts, if they are more than those that differ") {
    Watched w;
    SUBCASE("two") {
        w.watch.heard("192.0.2.1", w.clock.wall - 4min);
        w.watch.heard("192.0.2.1", w.clock.wall);
        CHECK(w.watch.confirmed_by() == By::nothing); // one host, however often
        w.watch.heard("192.0.2.2", w.clock.wall + 4min);
        CHECK(w.watch.confirmed_by() == By::hosts);
        w.watch.heard("192.0.2.3", w.clock.wall + 99h); // nobody takes it back
        CHECK(w.watch.confirmed_by() == By::hosts);
        w.clock.wall += 1h;
        CHECK(w.watch.confirmed_by() == By::nothing);
    }
    SUBCASE("of four") {
        w.watch.heard("192.0.2.1", w.clock.wall - 9h);
        w.watch.heard("192.0.2.2", w.clock.wall - 9h);
        w.watch.heard("192.0.2.3", w.clock.wall);
        w.watch.heard("192.0.2.4", w.clock.wall);
        CHECK(w.watch.confirmed_by() == By::nothing);
        w.watch.heard("192.0.2.1", w.clock.wall); // its own clock has been set
        CHECK(w.watch.confirmed_by() == By::hosts);
    }
    SUBCASE("a wrong clock by none") {
        for (int i = 0; i < 100; i++)
            w.watch.heard(std::to_string(i), w.clock.wall - 400 * 24h);
        CHECK(w.watch.confirmed_by() == By::nothing);
    }
}
