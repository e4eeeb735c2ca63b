// What every store promises, whatever is behind it.
// SPDX-License-Identifier: BSD-3-Clause
#include "async/block_on.h"
#include "store/memory.h"
#include "store/scratch.h"
#include "store/sqlite.h"
#include "support/flag.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;
using namespace std::chrono_literals;

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

// Of all that has been saved by now.
template <class World, class T, class... P, class... A>
T ask(World& world, DbResult<T> (*query)(Connection&, P...), A... arguments) {
    flush(world);
    return async::block_on(world.loop, world.store.ask(query, std::move(arguments)...));
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
        world.store.save(nexthop_row("example.com:587", mark));
        if (flushed) flush(world);
        const Loaded both = load(world, "example.com", "example.com:587");
        CHECK(both.sts == sts_row("example.com", mark));
        CHECK(both.nexthop == nexthop_row("example.com:587", mark));
    }
}

TEST_CASE_TEMPLATE("policies and DANE states are found apart", World, OfMemory, OfSqlite) {
    World world;
    bool flushed = false;
    SUBCASE("not flushed") {}
    SUBCASE("flushed") { flushed = true; }
    world.store.save(sts_row("a.example"));
    world.store.save(nexthop_row("[mx.example]:26"));
    if (flushed) flush(world);
    CHECK(load(world, "a.example", "a.example").sts == sts_row("a.example"));
    CHECK_FALSE(load(world, "a.example", "a.example").nexthop.has_value());
    CHECK(load(world, "mx.example", "[mx.example]:26").nexthop == nexthop_row("[mx.example]:26"));
    CHECK_FALSE(load(world, "mx.example", "[mx.example]:26").sts.has_value());
    CHECK_FALSE(load(world, "mx.example", "mx.example:26").nexthop.has_value());
    CHECK_FALSE(load(world, "sub.a.example", "sub.a.example").sts.has_value());
}

TEST_CASE_TEMPLATE("what is to be refreshed next, the earliest first", World, OfMemory, OfSqlite) {
    World world;
    const auto next = [&](std::size_t most) {
        return async::block_on(world.loop, world.store.next_refreshes(most));
    };
    const auto save = [&](const char* name, std::optional<std::int64_t> refresh_at) {
        StsRow row = sts_row(name);
        row.refresh_at = refresh_at.transform(at);
        world.store.save(row);
    };
    bool flushed = false;
    SUBCASE("not flushed") {}
    SUBCASE("flushed") { flushed = true; }
    CHECK(next(9).empty());
    save("b.example", 20);
    save("a.example", 10);
    save("none.example", std::nullopt);
    save("c.example", 30);
    if (flushed) flush(world);
    const RefreshDue a{domain("a.example"), at(10)};
    const RefreshDue b{domain("b.example"), at(20)};
    const RefreshDue c{domain("c.example"), at(30)};
    CHECK(next(9) == std::vector{a, b, c});
    CHECK(next(2) == std::vector{a, b});
    // What is newer counts, wherever the older row is.
    save("a.example", 40);
    save("b.example", std::nullopt);
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

TEST_CASE_TEMPLATE("a blank row deletes, flushed or not", World, OfMemory, OfSqlite) {
    World world;
    bool flushed = false;
    SUBCASE("not flushed") {}
    SUBCASE("flushed") { flushed = true; }
    world.store.save(sts_row("example.com"));
    world.store.save(nexthop_row("example.com"));
    world.store.save(nexthop_row("example.com:587"));
    if (flushed) flush(world);
    world.store.save(StsRow{.domain = domain("example.com")});
    world.store.save(NexthopRow{.nexthop = "example.com"});
    if (flushed) {
        flush(world);
        CHECK(load(world, "example.com", "example.com") == Loaded{});
    }
    const Loaded other = load(world, "example.com", "example.com:587");
    CHECK((!other.sts || is_blank(*other.sts)));
    CHECK(other.nexthop == nexthop_row("example.com:587"));
    CHECK(async::block_on(world.loop, world.store.next_refreshes(9)).empty());
    CHECK(ask(world, listed_after, "", 9).size() == 1);
}

TEST_CASE_TEMPLATE("a row without a policy never takes a policy's place, flushed or not", World,
                   OfMemory, OfSqlite) {
    World world;
    bool flushed = false;
    SUBCASE("not flushed") {}
    SUBCASE("flushed") { flushed = true; }
    const StsRow held = sts_row("example.com");
    const NexthopRow seen = nexthop_row("example.com");
    world.store.save(held);
    world.store.save(seen);
    if (flushed) flush(world);
    // As by somebody who could not read what is there: a failed fetch, a look without a verdict.
    StsRow failed{.domain = domain("example.com"), .failures = 3, .failed_id = "id7"};
    failed.reason = "refused";
    failed.failed_at = at(77);
    failed.retry_at = at(78);
    world.store.save(failed);
    world.store.save(NexthopRow{.nexthop = "example.com", .seen_at = at(79)});
    for (const bool once_more : {false, true}) {
        const Loaded both = load(world, "example.com", "example.com");
        StsRow expected = held;
        expected.failures = 3;
        expected.failed_id = "id7";
        expected.fault.clear();
        expected.reason = "refused";
        expected.failed_at = at(77);
        expected.retry_at = at(78);
        expected.failed_by.clear();
        CHECK(both.sts == expected);
        NexthopRow looked_at = seen;
        looked_at.seen_at = at(79);
        CHECK(both.nexthop == looked_at);
        if (!once_more) flush(world);
    }
    // What an operator forgets is gone all the same, even if something is saved right behind it.
    world.store.save(StsRow{.domain = domain("example.com")});
    world.store.save(NexthopRow{.nexthop = "example.com"});
    world.store.save(failed);
    world.store.save(NexthopRow{.nexthop = "example.com", .seen_at = at(79)});
    for (const bool once_more : {false, true}) {
        const Loaded both = load(world, "example.com", "example.com");
        CHECK(both.sts == failed);
        CHECK(both.nexthop == NexthopRow{.nexthop = "example.com", .seen_at = at(79)});
        if (!once_more) flush(world);
    }
    CHECK(async::block_on(world.loop, world.store.next_refreshes(9)).empty());
}

TEST_CASE_TEMPLATE("the history of a nexthop, the newest first", World, OfMemory, OfSqlite) {
    World world;
    const auto row = [](const char* nexthop, std::int64_t time, HistoryRow::Kind kind) {
        return HistoryRow{.nexthop = nexthop,
                          .at = at(time),
                          .kind = kind,
                          .before = fmt::format("before {}", time),
                          .after = "after",
                          .row = 11,
                          .reasons = "one; two"};
    };
    const HistoryRow one = row("example.com", 1, HistoryRow::Kind::verdict);
    const HistoryRow two = row("example.com", 2, HistoryRow::Kind::downgrade);
    const HistoryRow same_time = row("example.com", 2, HistoryRow::Kind::verdict);
    world.store.save(one);
    world.store.save(row("example.org", 1, HistoryRow::Kind::verdict));
    flush(world);
    world.store.save(two);
    CHECK(ask(world, history_of, "example.com", 9) == std::vector{two, one});
    CHECK(ask(world, history_of, "example.com", 1) == std::vector{two});
    CHECK(ask(world, history_of, "example.net", 9).empty());
    world.store.save(same_time);
    CHECK(ask(world, history_of, "example.com", 9).size() == 3);
}

TEST_CASE_TEMPLATE("the newest history of all nexthops, by kind", World, OfMemory, OfSqlite) {
    World world;
    const auto latest = [&](HistoryRow::Kind kind, std::size_t most) {
        std::string rows;
        for (const HistoryRow& row : ask(world, latest_history, kind, most))
            rows += fmt::format("{} {} {}; ", row.nexthop, row.before, row.reasons);
        return rows;
    };
    using enum HistoryRow::Kind;
    CHECK(latest(verdict, 9).empty());
    for (const std::int64_t time : {5, 1, 3, 4})
        world.store.save(HistoryRow{.nexthop = fmt::format("d{}.example", time),
                                    .at = at(time),
                                    .kind = time == 4 ? downgrade : verdict,
                                    .before = "may",
                                    .after = "dane",
                                    .reasons = "why"});
    flush(world);
    CHECK(latest(verdict, 9) == "d5.example may why; d3.example may why; d1.example may why; ");
    CHECK(latest(verdict, 1) == "d5.example may why; ");
    CHECK(latest(downgrade, 9) == "d4.example may why; ");
}

TEST_CASE_TEMPLATE("the domains whose fetch fails, the latest first", World, OfMemory, OfSqlite) {
    World world;
    const auto failing = [&](std::size_t most) { return ask(world, failing_policies, most); };
    CHECK(failing(9).empty());
    StsRow good = sts_row("good.example");
    good.failures = 0;
    StsRow early = sts_row("early.example", 1);
    early.failed_at = at(10);
    StsRow late = sts_row("late.example", 2);
    late.failed_at = at(20);
    for (const StsRow& row : {good, late, early})
        world.store.save(row);
    flush(world);
    CHECK(failing(9) == std::vector{late, early});
    CHECK(failing(1) == std::vector{late});
    late.failures = 0;
    world.store.save(late);
    flush(world);
    CHECK(failing(9) == std::vector{early});
}

TEST_CASE("the census says what a count of all rows would, after any changes") {
    OfMemory counted;
    OfSqlite world;
    const char* verdicts[] = {"",    "dane-only",    "dane",    "enforce",
                              "may", "override may", "tempfail"};
    const char* modes[] = {"enforce", "testing", "none"};
    unsigned state = 17;
    const auto any = [&](unsigned below) {
        return (state = state * 1103515245 + 12345) / 65536 % below;
    };
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 10; i++) {
            NexthopRow nexthop{.nexthop = fmt::format("d{}.example", any(12)), .verdict = {}};
            if (any(4) > 0) nexthop.verdict = verdicts[any(std::size(verdicts))];
            if (any(4) > 0) nexthop.seen_at = at(1 + any(9));
            StsRow sts{.domain = domain(fmt::format("d{}.example", any(12)))};
            if (any(3) > 0)
                sts.body = fmt::format("version: STSv1\nmode: {}\nmx: a.example\nmax_age: 9\n",
                                       modes[any(3)]);
            if (any(3) > 0) sts.refresh_at = at(1 + any(9));
            if (any(3) > 0) sts.failures = any(2);
            for (Store* store : std::initializer_list<Store*>{&counted.store, &world.store}) {
                store->save(nexthop);
                store->save(sts);
            }
        }
        const WallTime before = at(any(5));
        while (!async::block_on(counted.loop, counted.store.prune(before))) {
        }
        flush(world);
        while (!async::block_on(world.loop, world.store.prune(before))) {
        }
        CAPTURE(round);
        const Census here = ask(world, census, at(5));
        REQUIRE(here == ask(counted, census, at(5)));
    }
}

TEST_CASE_TEMPLATE("the nexthops in order of their keys, each with its policy", World, OfMemory,
                   OfSqlite) {
    World world;
    world.store.save(sts_row("mx.example"));
    for (const char* key : {"c.example", "[mx.example]:587", "a.example"})
        world.store.save(nexthop_row(key));
    const auto list = [&](const char* after, std::size_t most) {
        std::string keys;
        for (const Listed& row : ask(world, listed_after, after, most))
            keys += row.nexthop.nexthop + (row.sts ? "+ " : " ");
        return keys;
    };
    CHECK(list("", 9) == "[mx.example]:587+ a.example c.example ");
    CHECK(list("", 2) == "[mx.example]:587+ a.example ");
    CHECK(list("a.example", 2) == "c.example ");
    CHECK(list("c.example", 2).empty());
}

TEST_CASE_TEMPLATE("pruning drops what is older, and nothing else", World, OfMemory, OfSqlite) {
    World world;
    const WallTime before = at(1'000'000);
    for (const std::int64_t time : {1, 999'999, 1'000'000}) {
        const std::string name = fmt::format("d{}.example", time);
        world.store.save(HistoryRow{.nexthop = name, .at = at(time), .after = "x"});
        world.store.save(HistoryRow{.nexthop = "same.example", .at = at(time), .after = "x"});
        world.store.save(NexthopRow{.nexthop = name, .seen_at = at(time)});
        world.store.save(StsRow{.domain = domain(name), .failed_at = at(time)});
    }
    StsRow held = sts_row("held.example");
    held.fetched_at = held.expires_at = held.failed_at = at(1);
    world.store.save(held); // has a refresh_at: its end has not been noticed yet
    flush(world);
    for (int steps = 0; !async::block_on(world.loop, world.store.prune(before)); steps++)
        REQUIRE(steps < 9);
    flush(world);
    for (const std::int64_t time : {1, 999'999, 1'000'000}) {
        CAPTURE(time);
        const std::string name = fmt::format("d{}.example", time);
        const bool stays = time == 1'000'000;
        CHECK(ask(world, history_of, name, 9).empty() != stays);
        CHECK(load(world, name.c_str(), name.c_str()).sts.has_value() == stays);
        CHECK(load(world, name.c_str(), name.c_str()).nexthop.has_value() == stays);
    }
    CHECK(ask(world, history_of, "same.example", 9).size() == 1);
    CHECK(load(world, "held.example", "x").sts == held);
}

TEST_CASE("pruning goes through a large store in steps, round after round") {
    OfSqlite world;
    for (int i = 0; i < 2500; i++)
        world.store.save(
            NexthopRow{.nexthop = fmt::format("d{}.example", i), .seen_at = at(1 + i % 2)});
    flush(world);
    for (int round = 0; round < 2; round++) {
        int steps = 1; // of nexthops: 1000, 1000, 500; of history and policies one each
        while (!async::block_on(world.loop, world.store.prune(at(2))))
            steps++;
        CHECK(steps == (round == 0 ? 5 : 4));
        CHECK(ask(world, listed_after, "", 9999).size() == 1250);
    }
}

TEST_CASE_TEMPLATE("the wall clock is set: refreshes come after as much time as before", World,
                   OfMemory, OfSqlite) {
    World world;
    bool flushed = false;
    SUBCASE("not flushed") {}
    SUBCASE("flushed") { flushed = true; }
    StsRow old = sts_row("old.example");
    old.failures = 0;
    StsRow done = sts_row("done.example"); // its end was noticed
    done.refresh_at.reset();
    world.store.save(old);
    world.store.save(done);
    if (flushed) flush(world);
    const auto check = [&](WallTime due) {
        StsRow expected = old;
        expected.refresh_at = due;
        CHECK(load(world, "old.example", "x").sts == expected);
        CHECK(load(world, "done.example", "x").sts == done);
        CHECK(async::block_on(world.loop, world.store.next_refreshes(9)) ==
              std::vector{RefreshDue{old.domain, due}});
    };
    const milliseconds by = std::chrono::days(3650);
    const WallTime due = old.refresh_at.value();
    const WallTime now = due - 5h;
    world.store.clock_jumped({.from = now, .to = now + by});
    check(due + by);
    world.store.clock_jumped({.from = now + by + 1h, .to = now + 1h});
    check(due);
    // It may have been put off by a clock that was ahead; then nobody knows, and a day is the most.
    const WallTime early = due - std::chrono::days(400);
    world.store.clock_jumped({.from = early, .to = early});
    check(early + max_refresh);
    // A failure of that clock says nothing of when to try again.
    StsRow failed = old;
    failed.failures = 1;
    failed.failed_at = early + 13h;
    failed.refresh_at = early + 14h;
    world.store.save(failed);
    if (flushed) flush(world);
    world.store.clock_jumped({.from = early, .to = early});
    CHECK(load(world, "old.example", "x").sts->refresh_at == early + max_retry);
    // To before 1970, if somebody likes; it stays due.
    world.store.clock_jumped({.from = early, .to = early - 100 * by});
    CHECK(load(world, "old.example", "x").sts->refresh_at.has_value());
}
