// The store on a disk that is slow, or that cannot read.
// SPDX-License-Identifier: BSD-3-Clause
#include "store/faulty_disk.h"

#include "async/block_on.h"
#include "store/scratch.h"
#include "store/sqlite.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

constexpr int policies = 500;
std::string name_of(int number) { return fmt::format("d{}.example", number); }

struct World {
    FaultyDisk disk;
    Scratch scratch;
    async::UvLoop loop;
    std::vector<std::string> log;
    std::unique_ptr<SqliteStore> store;

    World() {
        start();
        for (int i = 0; i < policies; i++)
            store->save(sts_row(name_of(i), i));
        store.reset();
        start();
    }
    void start() {
        store = SqliteStore::open(loop, scratch.file(), tests_clock, [this](std::string text) {
                    log.push_back(std::move(text));
                }).value();
    }
    Loaded load(int number) {
        return async::block_on(loop, store->load(domain(name_of(number)), name_of(number)));
    }
    void flush() { async::block_on(loop, store->flush()); }
    void turn() {
        async::Timer tick;
        tick.start(loop, milliseconds(1), {[](void*) {}, nullptr});
        loop.run_once();
    }
};

async::Task<> flush_of(Store& store) { co_await store.flush(); }

} // namespace

TEST_CASE("no load waits for an fsync") {
    World world;
    async::Group group(world.loop);
    world.disk.sync_takes_ms = 5000;
    const int syncs = world.disk.syncs;
    world.store->save(sts_row("new.example"));
    group.start(flush_of(*world.store));
    while (world.disk.syncs == syncs)
        world.turn();
    // The disk is busy from here on, for five seconds.
    std::vector<std::chrono::duration<double, std::milli>> took;
    for (int i = 0; i < policies; i++) {
        const auto begun = std::chrono::steady_clock::now();
        const Loaded loaded = world.load(i);
        took.push_back(std::chrono::steady_clock::now() - begun);
        REQUIRE(loaded.sts == sts_row(name_of(i), i));
    }
    CHECK(group.size() == 1); // the write has not ended before one of them
    std::ranges::sort(took);
    MESSAGE("a load while an fsync takes 5 s: median ", took[policies / 2].count(), " ms, p99 ",
            took[policies * 99 / 100].count(), " ms, slowest ", took.back().count(), " ms");
    world.disk.sync_takes_ms = 0;
    world.flush();
}

// At every start the clock is "set" to what it shows (engine/refresh.cpp).
TEST_CASE("no load waits for an fsync after the clock was set, and shows the times as moved") {
    World world;
    CHECK(world.load(7).sts == sts_row(name_of(7), 7)); // the file is open
    async::Group group(world.loop);
    world.disk.sync_takes_ms = 3000;
    const int syncs = world.disk.syncs;
    world.store->save(sts_row("new.example"));
    group.start(flush_of(*world.store));
    while (world.disk.syncs == syncs)
        world.turn();
    const ClockJump jump{.from = tests_clock(), .to = tests_clock() - std::chrono::hours(13)};
    world.store->clock_jumped(jump);
    const auto due = async::block_on(world.loop, world.store->next_refreshes(policies + 1));
    for (int i = 0; i < policies; i++)
        REQUIRE(world.load(i).sts == rescheduled(sts_row(name_of(i), i), jump));
    CHECK(group.size() == 1); // the write has not ended before
    const auto in_flight =
        async::block_on(world.loop, world.store->load(domain("new.example"), "new.example"));
    CHECK(in_flight.sts == rescheduled(sts_row("new.example"), jump));
    world.disk.sync_takes_ms = 0;
    world.flush();
    CHECK(world.load(7).sts == rescheduled(sts_row(name_of(7), 7), jump));
    REQUIRE(due.size() == policies + 1);
    for (const RefreshDue& one : due)
        CHECK(one.at <= jump.to + max_refresh);
    CHECK(async::block_on(world.loop, world.store->next_refreshes(policies + 1)) == due);
    world.store.reset();
    world.start();
    CHECK(world.load(7).sts == rescheduled(sts_row(name_of(7), 7), jump));
}

TEST_CASE("what is saved, or forgotten, and written during a slow read is what the load shows") {
    World world;
    for (const int number : {1, 2, 3, 400})
        world.store->save(nexthop_row(name_of(number)));
    world.store.reset();
    world.start();
    CHECK(world.load(400).sts.has_value()); // the reader is open
    const auto load_while = [&](int number, const std::function<void()>& save) {
        world.disk.slow_reads = 0;
        world.disk.slow_reads_ms = 500;
        std::optional<Loaded> loaded;
        async::Group group(world.loop);
        group.start([](Store& store, std::string name, std::optional<Loaded>& to) -> async::Task<> {
            to = co_await store.load(domain(name), name);
        }(*world.store, name_of(number), loaded));
        while (world.disk.slow_reads == 0)
            world.turn();
        save();
        world.flush();
        world.flush();
        CHECK_FALSE(loaded.has_value()); // it was written meanwhile
        world.disk.slow_reads_ms = 0;
        while (!loaded)
            world.turn();
        return *loaded;
    };
    const Loaded forgotten = load_while(1, [&] {
        world.store->save(StsRow{.domain = domain(name_of(1))});
        world.store->save(NexthopRow{.nexthop = name_of(1), .verdict = {}});
    });
    CHECK_FALSE(forgotten.sts.has_value());
    CHECK_FALSE(forgotten.nexthop.has_value());
    const Loaded saved = load_while(2, [&] {
        world.store->save(sts_row(name_of(2), 99));
        world.store->save(nexthop_row(name_of(2), 99));
    });
    CHECK(saved.sts == sts_row(name_of(2), 99));
    CHECK(saved.nexthop == nexthop_row(name_of(2), 99));
    // Two writes, of which only the first has the policy.
    const Loaded failed = load_while(3, [&] {
        world.store->save(sts_row(name_of(3), 99));
        world.flush();
        world.store->save(StsRow{.domain = domain(name_of(3)), .failures = 42});
    });
    REQUIRE(failed.sts.has_value());
    CHECK(failed.sts->body == sts_row(name_of(3), 99).body);
    CHECK(failed.sts->failures == 42);
}

TEST_CASE("a read during which more is written than is kept in memory is done again") {
    World world;
    CHECK(world.load(400).sts.has_value()); // the reader is open
    world.disk.slow_reads_ms = 2000;
    std::optional<Loaded> loaded;
    async::Group group(world.loop);
    group.start([](Store& store, std::string name, std::optional<Loaded>& to) -> async::Task<> {
        to = co_await store.load(domain(name), name);
    }(*world.store, name_of(1), loaded));
    while (world.disk.slow_reads == 0)
        world.turn();
    world.store->save(StsRow{.domain = domain(name_of(1))});
    world.flush();
    StsRow large = sts_row("large.example");
    for (int i = 0; i < 40; i++) {
        large.body.assign(1 << 20, static_cast<char>('a' + i % 26));
        world.store->save(large);
        world.flush();
    }
    CHECK_FALSE(loaded.has_value());
    world.disk.slow_reads_ms = 0;
    while (!loaded)
        world.turn();
    CHECK_FALSE(loaded->sts.has_value());
}

TEST_CASE("a read that fails once is tried again, and the file stays where it is") {
    World world;
    CHECK(world.load(400).sts == sts_row(name_of(400), 400)); // the file is open
    world.disk.failing_reads = 1;
    CHECK(world.load(7).sts == sts_row(name_of(7), 7));
    world.flush();
    for (int turns = 0; world.log.empty() && turns < 10'000; turns++)
        world.turn();
    // The file was looked at as a whole.
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0] == "a read of " + world.scratch.file() +
                              " met damage: the whole file was read again and is sound, so nothing "
                              "is lost");
    for (const std::string& name : world.scratch.names())
        CHECK_FALSE(name.contains("corrupt"));
    for (int i = 0; i < policies; i++)
        CHECK(world.load(i).sts == sts_row(name_of(i), i));
}

TEST_CASE("while no read succeeds, what is stored is not read, which is not absent") {
    World world;
    world.disk.failing_reads = 1'000'000;
    const Loaded loaded = world.load(7);
    CHECK_FALSE(loaded.sts.has_value());
    CHECK(loaded.sts_unread.contains(world.scratch.file()));
    CHECK(loaded.nexthop_unread.contains(world.scratch.file()));
    CHECK(world.store->status().degraded);
    // A failure that is saved now, by somebody who could not see the policy.
    world.store->save(StsRow{.domain = domain(name_of(7)), .failures = 1});
    world.flush();
    const Loaded failed = world.load(7);
    REQUIRE(failed.sts.has_value());
    CHECK(failed.sts->failures == 1);
    CHECK_FALSE(failed.sts_unread.empty());
    for (const std::string& name : world.scratch.names())
        CHECK_FALSE(name.contains("corrupt"));
    world.disk.failing_reads = 0;
    world.flush();
    const Loaded again = world.load(7);
    REQUIRE(again.sts.has_value());
    CHECK(again.sts->body == sts_row(name_of(7), 7).body);
    CHECK(again.sts_unread.empty());
}
