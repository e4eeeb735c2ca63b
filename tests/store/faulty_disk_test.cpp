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
