// What every store promises, whatever is behind it.
// SPDX-License-Identifier: BSD-3-Clause
#include "async/block_on.h"
#include "store/memory.h"
#include "store/scratch.h"
#include "store/sqlite.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

struct OfMemory {
    async::UvLoop loop;
    MemoryStore store;
};

struct OfSqlite {
    Scratch scratch;
    async::UvLoop loop;
    std::unique_ptr<SqliteStore> held =
        SqliteStore::open(loop, scratch.file(), tests_clock, [](const std::string& text) {
            FAIL_CHECK(text);
        }).value();
    SqliteStore& store = *held;
};

template <class World> Loaded load(World& world, const char* name, const char* key) {
    return async::block_on(world.loop, world.store.load(domain(name), key));
}

template <class World> void flush(World& world) {
    async::block_on(world.loop, world.store.flush());
}

} // namespace

TEST_CASE_TEMPLATE("nothing is found where nothing was saved", World, OfMemory, OfSqlite) {
    World world;
    CHECK(load(world, "example.com", "example.com") == Loaded{});
    flush(world);
    CHECK_FALSE(world.store.status().degraded);
    CHECK(world.store.status().failures == 0);
}

TEST_CASE_TEMPLATE("a load sees what was saved before it, flushed or not", World, OfMemory,
                   OfSqlite) {
    World world;
    bool flushed = false;
    SUBCASE("not flushed") {}
    SUBCASE("flushed") { flushed = true; }
    for (int mark = 0; mark < 3; mark++) {
        world.store.save(sts_row("example.com", mark));
        world.store.save(dane_row("example.com:587", mark));
        if (flushed) flush(world);
        const Loaded both = load(world, "example.com", "example.com:587");
        CHECK(both.sts == sts_row("example.com", mark));
        CHECK(both.dane == dane_row("example.com:587", mark));
    }
}

TEST_CASE_TEMPLATE("policies and DANE states are found apart", World, OfMemory, OfSqlite) {
    World world;
    bool flushed = false;
    SUBCASE("not flushed") {}
    SUBCASE("flushed") { flushed = true; }
    world.store.save(sts_row("a.example"));
    world.store.save(dane_row("[mx.example]:26"));
    if (flushed) flush(world);
    CHECK(load(world, "a.example", "a.example").sts == sts_row("a.example"));
    CHECK_FALSE(load(world, "a.example", "a.example").dane.has_value());
    CHECK(load(world, "mx.example", "[mx.example]:26").dane == dane_row("[mx.example]:26"));
    CHECK_FALSE(load(world, "mx.example", "[mx.example]:26").sts.has_value());
    CHECK_FALSE(load(world, "mx.example", "mx.example:26").dane.has_value());
    CHECK_FALSE(load(world, "sub.a.example", "sub.a.example").sts.has_value());
}

TEST_CASE_TEMPLATE("what is to be refreshed next, the earliest first", World, OfMemory, OfSqlite) {
    World world;
    const auto next = [&](std::size_t most) {
        return async::block_on(world.loop, world.store.next_refreshes(most));
    };
    const auto save = [&](const char* name, std::int64_t refresh_at) {
        StsRow row = sts_row(name);
        row.refresh_at = at(refresh_at);
        world.store.save(row);
    };
    bool flushed = false;
    SUBCASE("not flushed") {}
    SUBCASE("flushed") { flushed = true; }
    CHECK(next(9).empty());
    save("b.example", 20);
    save("a.example", 10);
    save("none.example", 0);
    save("c.example", 30);
    if (flushed) flush(world);
    const RefreshDue a{domain("a.example"), at(10)};
    const RefreshDue b{domain("b.example"), at(20)};
    const RefreshDue c{domain("c.example"), at(30)};
    CHECK(next(9) == std::vector{a, b, c});
    CHECK(next(2) == std::vector{a, b});
    // What is newer counts, wherever the older row is.
    save("a.example", 40);
    save("b.example", 0);
    CHECK(next(1) == std::vector{c});
    CHECK(next(9) == std::vector{c, {domain("a.example"), at(40)}});
    flush(world);
    CHECK(next(9) == std::vector{c, {domain("a.example"), at(40)}});
}

TEST_CASE_TEMPLATE("many loads at the same time get each their own row", World, OfMemory,
                   OfSqlite) {
    World world;
    constexpr int many = 200;
    for (int i = 0; i < many; i++) {
        world.store.save(sts_row(fmt::format("d{}.example", i), i));
        if (i == many / 2) flush(world);
    }
    int right = 0;
    {
        async::Group group(world.loop);
        const auto check = [](Store& store, int mark, int& count) -> async::Task<> {
            const std::string name = fmt::format("d{}.example", mark);
            auto loaded = co_await store.load(domain(name), name);
            if (loaded.sts == sts_row(name, mark)) count++;
        };
        for (int i = 0; i < many; i++)
            group.start(check(world.store, i, right));
        const auto join = [](async::Group& all) -> async::Task<> { co_await all.join(); };
        async::block_on(world.loop, join(group));
    }
    CHECK(right == many);
}

TEST_CASE_TEMPLATE("a load or flush that is cancelled, at any point, harms nothing", World,
                   OfMemory, OfSqlite) {
    struct Flag final : async::Done {
        bool set = false;
        void done() noexcept override { set = true; }
    };
    World world;
    world.store.save(sts_row("old.example"));
    flush(world);
    bool flushes = false;
    SUBCASE("load") {}
    SUBCASE("flush") { flushes = true; }
    { // never started
        const async::Task<Loaded> load = world.store.load(domain("old.example"), "x");
        const async::Task<> flush = world.store.flush();
    }
    int turns = 0;
    for (bool ended = false; !ended; turns++) {
        REQUIRE(turns < 1000);
        CAPTURE(turns);
        world.store.save(sts_row("new.example", turns));
        Flag flag;
        std::optional<async::Driver> driver;
        const auto body = [](Store& store, bool flush) -> async::Task<> {
            if (flush)
                co_await store.flush();
            else
                co_await store.load(domain("old.example"), "x");
        };
        driver.emplace(async::drive(flag, body(world.store, flushes)));
        for (int turn = 0; turn < turns && !flag.set; turn++)
            world.loop.run_once();
        ended = flag.set;
        driver.reset();
        CHECK(load(world, "new.example", "").sts == sts_row("new.example", turns));
    }
    flush(world);
    CHECK(load(world, "old.example", "").sts == sts_row("old.example"));
    CHECK(load(world, "new.example", "").sts == sts_row("new.example", turns - 1));
}
