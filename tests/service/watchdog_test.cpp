// SPDX-License-Identifier: BSD-3-Clause
#include "service/watchdog.h"

#include "support/virtual_loop.h"

#include <doctest/doctest.h>

#include <memory>

using namespace postseal;
using namespace std::chrono_literals;

namespace {

// Takes as long as it is told, and may break.
struct FakePart {
    async::Task<bool> round_trip() {
        asked++;
        co_await async::Sleep(loop, takes);
        co_return sound;
    }
    test::VirtualLoop& loop;
    milliseconds takes{1};
    bool sound = true;
    int asked = 0;
};

constexpr milliseconds never = 10h;

struct Field {
    Field() {
        watchdog = std::make_unique<service::Watchdog>(
            loop, log, 10s,
            std::vector<service::Watchdog::Part>{
                {"resolver", [this] { return resolver.round_trip(); }},
                {"store", [this] { return store.round_trip(); }}},
            [this] { fed++; });
    }
    // How often it was fed meanwhile.
    int in(milliseconds span) {
        const int before = fed;
        struct Wait {
            static async::Task<bool> run(async::Loop& loop, milliseconds span) {
                co_await async::Sleep(loop, span);
                co_return true;
            }
        };
        loop.run_until_done(Wait::run(loop, span));
        return fed - before;
    }
    test::VirtualLoop loop;
    Log log{{.level = log::Level::error}};
    FakePart resolver{loop};
    FakePart store{loop};
    int fed = 0;
    std::unique_ptr<service::Watchdog> watchdog;
};

} // namespace

TEST_CASE("it is fed at once and then each 10 s while all parts answer") {
    Field field;
    CHECK(field.in(5s) == 1);
    CHECK(field.in(100s) == 10);
    CHECK(field.resolver.asked == 11);
    CHECK(field.store.asked == 11);
}

TEST_CASE("a part that never answers starves it") {
    for (const bool which : {false, true}) {
        Field field;
        CHECK(field.in(5s) == 1);
        (which ? field.resolver : field.store).takes = never;
        CHECK(field.in(1h) == 0);
    }
}

TEST_CASE("a part that answers late starves it meanwhile, and not for longer") {
    Field field;
    CHECK(field.in(5s) == 1);
    field.resolver.takes = 45s;
    CHECK(field.in(40s) == 0); // from 10 s to 55 s
    field.resolver.takes = 1ms;
    CHECK(field.in(12s) == 2); // and again at once: it is behind
    CHECK(field.in(100s) == 10);
}

TEST_CASE("a part that fails starves it until it is sound again") {
    Field field;
    CHECK(field.in(5s) == 1);
    field.resolver.sound = false;
    CHECK(field.in(100s) == 0);
    field.resolver.sound = true;
    CHECK(field.in(100s) == 10);
}
