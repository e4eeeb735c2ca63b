// SPDX-License-Identifier: BSD-3-Clause
#include "store/sqlite.h"

#include "async/block_on.h"
#include "store/scratch.h"
#include "support/flag.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

struct World {
    Scratch scratch;
    async::UvLoop loop;
    std::vector<std::string> log;
    std::unique_ptr<SqliteStore> store;

    World() { start(); }
    void start() {
        auto opened =
            SqliteStore::open(loop, scratch.file(), tests_clock,
                              [this](std::string text) { log.push_back(std::move(text)); });
        REQUIRE_MESSAGE(opened.has_value(), opened.error());
        store = std::move(*opened);
    }
    void restart() {
        store.reset();
        start();
    }
    void flush() { async::block_on(loop, store->flush()); }
    Loaded load(const std::string& name) {
        return async::block_on(loop, store->load(domain(name), name));
    }
    // Whether it comes true within ten seconds.
    bool turn_until(const std::function<bool()>& condition) {
        const MonoTime end = loop.now() + milliseconds(10'000);
        async::Timer tick;
        while (!condition() && loop.now() < end) {
            tick.start(loop, milliseconds(5), {[](void*) {}, nullptr});
            loop.run_once();
        }
        return condition();
    }
    std::string count(const char* table) {
        return sql(scratch.file(), fmt::format("SELECT count(*) FROM {}", table));
    }
};

// In place: open descriptors see it too. The first page stays whole.
void damage(const std::string& path) {
    const auto size = std::filesystem::file_size(path);
    std::filesystem::resize_file(path, 4096);
    std::filesystem::resize_file(path, size);
}

} // namespace

TEST_CASE("what was saved is there after a restart, flushed or not") {
    World world;
    world.store->save(sts_row("flushed.example"));
    world.flush();
    world.store->save(sts_row("saved.example"));
    world.store->save(nexthop_row("saved.example"));
    world.restart();
    CHECK(world.load("flushed.example").sts == sts_row("flushed.example"));
    CHECK(world.load("saved.example").sts == sts_row("saved.example"));
    CHECK(world.load("saved.example").nexthop == nexthop_row("saved.example"));
    CHECK(world.log.empty());
    CHECK_FALSE(world.store->status().degraded);
}

TEST_CASE("what was in flight when the store ended is there after a restart") {
    World world;
    const auto flush = [](Store& store) -> async::Task<> { co_await store.flush(); };
    {
        async::Group group(world.loop);
        world.store->save(nexthop_row("flying.example", 1));
        group.start(flush(*world.store));
        world.store->save(nexthop_row("waiting.example", 2));
    }
    world.restart();
    CHECK(world.load("flying.example").nexthop == nexthop_row("flying.example", 1));
    CHECK(world.load("waiting.example").nexthop == nexthop_row("waiting.example", 2));
}

TEST_CASE("saves are written together, without being asked to") {
    World world;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; i++)
        world.store->save(nexthop_row(fmt::format("d{}.example", i)));
    CHECK(world.count("nexthop") == "0");
    CHECK(world.turn_until([&] { return world.count("nexthop") != "0"; }));
    CHECK(world.count("nexthop") == "100");
    // 100 ms is promised; a second allows for a busy machine and yet tells waiting from not.
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
}

TEST_CASE("many saves for one key are one write, the newest") {
    World world;
    const auto log = world.scratch.file() + "-wal";
    const auto before = std::filesystem::file_size(log);
    for (int mark = 0; mark < 1000; mark++)
        world.store->save(sts_row("example.com", mark));
    world.flush();
    CHECK(std::filesystem::file_size(log) - before < 8 * 4096);
    CHECK(sql(world.scratch.file(), "SELECT id FROM sts") == "id999");
}

TEST_CASE("flush waits for all before it, also for what came during an attempt") {
    World world;
    const auto save_and_flush = [](Store& store, int mark) -> async::Task<> {
        store.save(nexthop_row(fmt::format("d{}.example", mark), mark));
        co_await store.flush();
    };
    async::Group group(world.loop);
    for (int mark = 0; mark < 3; mark++)
        group.start(save_and_flush(*world.store, mark));
    world.flush();
    CHECK(world.count("nexthop") == "3");
    CHECK(world.turn_until([&] { return group.size() == 0; }));
}

TEST_CASE("an attempt that is in progress is not the one that flush waits for, if more was saved") {
    World world;
    const LockHolder lock(
        world.scratch.file()); // so that each attempt takes a while, and is counted
    const auto flush = [](Store& store) -> async::Task<> { co_await store.flush(); };
    async::Group group(world.loop);
    world.store->save(nexthop_row("first.example"));
    group.start(flush(*world.store));
    world.store->save(nexthop_row("second.example"));
    world.flush();
    CHECK(world.store->status().failures == 2);
    CHECK(group.size() == 0);
}

TEST_CASE("a load of rows that wait, or are being written, does not wait for the disk") {
    World world;
    world.store->save(sts_row("example.com"));
    world.store->save(nexthop_row("example.com"));
    const auto flush = [](Store& store) -> async::Task<> { co_await store.flush(); };
    async::Group group(world.loop);
    SUBCASE("waiting") {}
    SUBCASE("being written") { group.start(flush(*world.store)); }
    Flag flag;
    async::Outcome<Loaded> loaded;
    const async::Driver driver =
        async::drive_into(static_cast<async::Done&>(flag),
                          world.store->load(domain("example.com"), "example.com"), loaded);
    REQUIRE(flag.set);
    CHECK(loaded.take() == Loaded{sts_row("example.com"), nexthop_row("example.com")});
}

TEST_CASE("a large heap of saves does not wait for the time to pass") {
    World world;
    StsRow row = sts_row("example.com");
    row.body.assign(60'000, 'x');
    for (int i = 0; i < 100; i++) {
        row.domain = domain(fmt::format("d{}.example", i));
        world.store->save(row);
    }
    CHECK(world.turn_until([&] { return world.count("sts") == "100"; }));
    CHECK_FALSE(world.store->status().degraded);
}

TEST_CASE("while writing fails, saves wait, loads see them, and it is tried again") {
    World world;
    world.store->save(nexthop_row("before.example"));
    world.flush();
    {
        const LockHolder lock(world.scratch.file());
        world.store->save(nexthop_row("example.com", 1));
        world.store->save(nexthop_row("other.example", 1));
        world.flush();
        const Status status = world.store->status();
        CHECK(status.degraded);
        CHECK(status.reason == "cannot write " + world.scratch.file() +
                                   ": database is locked, since 20260131T235959Z, 2 rows wait in "
                                   "memory");
        CHECK(status.failures == 1);
        REQUIRE(world.log.size() == 1);
        CHECK(world.log[0] == "cannot write " + world.scratch.file() + ": database is locked");
        CHECK(world.load("example.com").nexthop == nexthop_row("example.com", 1));
        CHECK(world.load("before.example").nexthop == nexthop_row("before.example"));
        world.store->save(nexthop_row("example.com", 2));
        world.flush();
        CHECK(world.store->status().failures == 2);
        CHECK(world.log.size() == 1);
        CHECK(world.load("example.com").nexthop == nexthop_row("example.com", 2));
    }
    // Nobody asks: by its own timer.
    CHECK(world.turn_until([&] { return !world.store->status().degraded; }));
    CHECK(world.store->status().reason.empty());
    CHECK(world.count("nexthop") == "3");
    REQUIRE(world.log.size() == 2);
    CHECK(world.log[1].starts_with("works again: "));
    // And from then on as always.
    world.store->save(nexthop_row("after.example"));
    CHECK(world.turn_until([&] { return world.count("nexthop") == "4"; }));
    world.restart();
    CHECK(world.load("example.com").nexthop == nexthop_row("example.com", 2));
}

TEST_CASE("a save that comes during a retry that succeeds is written as well") {
    World world;
    {
        const LockHolder lock(world.scratch.file());
        world.store->save(nexthop_row("first.example"));
        world.flush();
        REQUIRE(world.store->status().degraded);
    }
    const auto flush = [](Store& store) -> async::Task<> { co_await store.flush(); };
    async::Group group(world.loop);
    group.start(flush(*world.store)); // the retry is in progress
    world.store->save(nexthop_row("second.example"));
    CHECK(world.turn_until([&] { return world.count("nexthop") == "2"; }));
}

TEST_CASE("what waits while writing fails is bounded, and the oldest goes") {
    World world;
    const LockHolder lock(world.scratch.file());
    world.store->save(nexthop_row("d0.example"));
    world.flush();
    constexpr int many = 100'000;
    for (int i = 1; i < many; i++)
        world.store->save(nexthop_row(fmt::format("d{}.example", i), i));
    CHECK(world.store->status().reason.contains(" found no room there"));
    CHECK_FALSE(world.load("d0.example").nexthop.has_value());
    const std::string last = fmt::format("d{}.example", many - 1);
    CHECK(world.load(last).nexthop == nexthop_row(last, many - 1));
    world.store.reset();
    CHECK(world.log.back().ends_with(" rows are lost"));
}

TEST_CASE(
    "what an operator forgot while writing fails stays forgotten, however much is saved since") {
    World world;
    for (const auto* name : {"gone.example", "again.example"}) {
        world.store->save(sts_row(name));
        world.store->save(nexthop_row(name));
    }
    world.flush();
    std::optional<LockHolder> lock(world.scratch.file());
    for (const auto* name : {"gone.example", "again.example"}) {
        world.store->save(StsRow{.domain = domain(name)});
        world.store->save(NexthopRow{.nexthop = name, .verdict = {}});
    }
    world.flush();
    // Found out anew, and then without room.
    world.store->save(sts_row("again.example", 2));
    world.store->save(nexthop_row("again.example", 2));
    StsRow row = sts_row("example.com");
    row.body.assign(60'000, 'x');
    for (int i = 0; i < 1200; i++) {
        row.domain = domain(fmt::format("d{}.example", i));
        world.store->save(row);
    }
    for (int i = 0; i < 50'000; i++)
        world.store->save(nexthop_row(fmt::format("d{}.example", i), i));
    CHECK(world.store->status().reason.contains(" found no room there"));
    const auto check = [&world] {
        for (const auto* name : {"gone.example", "again.example"}) {
            CAPTURE(name);
            const Loaded loaded = world.load(name);
            CHECK((!loaded.sts || is_blank(*loaded.sts)));
            CHECK((!loaded.nexthop || is_blank(*loaded.nexthop)));
        }
    };
    check();
    lock.reset();
    world.flush();
    check();
}

TEST_CASE("a promise that found no room while writing fails is not read, which is not absent") {
    World world;
    std::optional<LockHolder> lock(world.scratch.file());
    StsRow first = sts_row("first.example");
    first.body = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 864000\n";
    first.expires_at = first.fetched_at + std::chrono::days(10);
    NexthopRow seen = nexthop_row("first.example");
    seen.dane = true;
    world.store->save(first);
    world.store->save(seen);
    world.flush();
    CHECK(world.load("first.example").sts.has_value());
    StsRow row = sts_row("example.com");
    row.body.assign(60'000, 'x'); // a policy of 64 KiB is taken from any host
    for (int i = 0; i < 600; i++) {
        row.domain = domain(fmt::format("d{}.example", i));
        world.store->save(row);
    }
    for (int i = 0; i < 60'000; i++)
        world.store->save(nexthop_row(fmt::format("d{}.example", i)));
    const Loaded loaded = world.load("first.example");
    CHECK_FALSE(loaded.sts.has_value());
    CHECK(loaded.sts_unread.contains("no room"));
    CHECK_FALSE(loaded.nexthop.has_value());
    CHECK(loaded.nexthop_unread.contains("no room"));
    CHECK(world.load("never.example") == Loaded{});
    // A failure does not say what was there, nor does the disk once it is well again.
    world.store->save(StsRow{.domain = domain("first.example"), .failures = 1});
    lock.reset();
    CHECK(world.turn_until([&] { return !world.store->status().degraded; }));
    CHECK(world.load("first.example").sts->failures == 1);
    CHECK_FALSE(world.load("first.example").sts_unread.empty());
    world.store->save(first);
    world.store->save(seen);
    CHECK(world.load("first.example") == Loaded{.sts = first, .nexthop = seen});
    world.flush();
    CHECK(world.load("first.example") == Loaded{.sts = first, .nexthop = seen});
}

TEST_CASE("a damaged file found at start: a new one, and the status says so till the end") {
    World world;
    world.store->save(nexthop_row("example.com"));
    world.store.reset();
    write_file(world.scratch.file(), std::string(9000, 'x'));
    world.start();
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0].contains("moved aside as"));
    CHECK(world.load("example.com") == Loaded{});
    world.store->save(nexthop_row("example.com", 1));
    world.flush();
    CHECK(world.store->status().degraded);
    CHECK(world.store->status().reason == world.log[0] + ", since 20260131T235959Z");
    CHECK(world.store->status().failures == 1);
    world.restart();
    CHECK_FALSE(world.store->status().degraded);
    CHECK(world.load("example.com").nexthop == nexthop_row("example.com", 1));
}

TEST_CASE("an empty file found at start is not a new one: that its rows are lost is said") {
    World world;
    world.store->save(nexthop_row("example.com"));
    world.store.reset();
    write_file(world.scratch.file(), "");
    world.start();
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0].contains("is empty: what it held is lost, and a new database created"));
    CHECK(world.load("example.com") == Loaded{});
    CHECK(world.store->status().degraded);
    world.restart();
    CHECK_FALSE(world.store->status().degraded);
}

TEST_CASE("a file damaged while in use: what waits is kept, a new file begun") {
    World world;
    for (int i = 0; i < 500; i++)
        world.store->save(nexthop_row(fmt::format("d{}.example", i)));
    world.restart();
    damage(world.scratch.file());
    bool by_load = false;
    SUBCASE("found by a load") { by_load = true; }
    SUBCASE("found by a write") {}
    world.store->save(nexthop_row("waits.example"));
    if (by_load) CHECK(world.load("d7.example").nexthop_unread.contains("malformed"));
    world.flush();
    REQUIRE(world.log.size() == (by_load ? 2 : 1));
    CHECK(world.log.back().contains("moved aside as"));
    CHECK(world.store->status().degraded);
    CHECK(world.load("waits.example").nexthop == nexthop_row("waits.example"));
    CHECK(world.count("nexthop") == "1");
    CHECK(std::filesystem::exists(world.scratch.path() + "/" + corrupt_name));
}

TEST_CASE("what is not shared yet outlasts a restart; what is, is forgotten") {
    World world;
    world.store->save(FleetFact{.name = "node", .value = "relay-1"});
    world.store->save(Unshared{.key = "sts/a.example", .forgotten_at = at(7)});
    world.store->save(Unshared{.key = "sts/b.example"});
    world.store->save(Unshared{.key = "sts/c.example"});
    world.store->save(Unshared{.key = "sts/b.example", .shared = true});
    world.restart();
    const FleetState state = async::block_on(world.loop, world.store->fleet_state(1));
    CHECK(state.facts == std::vector{FleetFact{"node", "relay-1"}});
    CHECK(state.unshared == std::vector{Unshared{.key = "sts/a.example", .forgotten_at = at(7)}});
    CHECK(state.unshared_in_all == 2);
}

TEST_CASE("all rows can be marked as not shared, and marks that are there stay") {
    World world;
    world.store->save(sts_row("a.example"));
    world.store->save(nexthop_row("[mx.example]:587"));
    world.store->save(Unshared{.key = "sts/a.example", .forgotten_at = at(7)});
    CHECK(async::block_on(world.loop, world.store->all_unshared()));
    const FleetState state = async::block_on(world.loop, world.store->fleet_state(9));
    CHECK(state.unshared == std::vector{Unshared{.key = "nexthop/[mx.example]:587"},
                                        Unshared{.key = "sts/a.example", .forgotten_at = at(7)}});
}

TEST_CASE("that a row was forgotten is not shared yet, whatever is found out of it since") {
    World world;
    world.store->save(Unshared{.key = "sts/a.example", .forgotten_at = at(7)});
    SUBCASE("at once") {}
    SUBCASE("later") { world.flush(); }
    world.store->save(Unshared{.key = "sts/a.example"});
    world.restart();
    const FleetState state = async::block_on(world.loop, world.store->fleet_state(1));
    CHECK(state.unshared == std::vector{Unshared{.key = "sts/a.example", .forgotten_at = at(7)}});
}

TEST_CASE("a store that cannot be opened says why") {
    const World world;
    async::UvLoop loop;
    const auto second =
        SqliteStore::open(loop, world.scratch.file(), tests_clock, [](const std::string&) {});
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().starts_with("another postseald uses "));
}
