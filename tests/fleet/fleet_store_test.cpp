// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/fleet_store.h"

#include "async/block_on.h"
#include "fleet/node_id.h"
#include "fleet/postgres_server.h"
#include "store/faulty_disk.h"
#include "store/scratch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

using namespace postseal;
using namespace postseal::fleet;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

store::Moment moment_of(WallTime when) { return {.now = when, .confirmed = true, .boot = "b"}; }

// One node: a database of its own, a clock that may be wrong, a loop that turns while it is waited
// for.
struct Relay {
    Relay(async::UvLoop& l, std::string u, milliseconds w = 0ms, milliseconds s = 10min)
        : loop(l), uri(std::move(u)), wrong(w), first_sweep(s) {
        start();
    }
    void start() {
        auto own = store::SqliteStore::open(
            loop, scratch.file(), [this] { return clock(); },
            [this](std::string text) { log.push_back(std::move(text)); });
        REQUIRE_MESSAGE(own.has_value(), own.error());
        archive = own->get();
        auto server = Server::open(uri);
        REQUIRE_MESSAGE(server.has_value(), server.error());
        store = std::make_unique<FleetStore>(
            loop, *std::move(own), *std::move(server), [this] { return moment_of(clock()); },
            FleetStore::Log{
                .warning = [this](std::string text) { log.push_back(std::move(text)); },
                .same_node_id =
                    [this](std::string text) { log.push_back("error: " + std::move(text)); }},
            first_sweep);
        store->on_news({.policy = [this](const Domain& d) { news.push_back(d.name()); },
                        .dane = [this](const std::string& key) { news.push_back(key); }});
    }
    [[nodiscard]] WallTime clock() const { return now() + wrong; }
    store::Loaded load(const std::string& name) {
        return async::block_on(loop, store->load(domain(name), name));
    }
    std::vector<store::RefreshDue> next() {
        return async::block_on(loop, store->next_refreshes(9));
    }
    // Policies of mode enforce that are stored here.
    std::size_t enforced() {
        return async::block_on(loop, archive->ask(store::census, now())).modes["enforce"];
    }
    [[nodiscard]] bool reached() const { return store->status().shared->up; }
    [[nodiscard]] milliseconds behind() const { return store->status().shared->behind; }
    [[nodiscard]] bool all_shared() const { return store->status().shared->unshared == 0; }

    async::UvLoop& loop;
    std::string uri;
    milliseconds wrong;
    milliseconds first_sweep;
    Scratch scratch;
    std::vector<std::string> log, news;
    std::unique_ptr<FleetStore> store;
    store::Archive* archive = nullptr; // of its own store
};

struct World {
    explicit World(PostgresServer& s) : server(s), uri(s.new_database()) {
        const Interrupt interrupt;
        SharedStore tables(uri, generous, interrupt);
        REQUIRE(tables.init().has_value());
    }
    // Whether it comes true within two minutes; asked now and then, for it may take long to say.
    bool turn_until(const std::function<bool()>& condition, milliseconds pause = 50ms) {
        const MonoTime end = loop.now() + 120s;
        while (loop.now() < end) {
            if (condition()) return true;
            turn(pause);
        }
        return false;
    }
    void turn(milliseconds time) {
        const MonoTime end = loop.now() + time;
        async::Timer tick;
        while (loop.now() < end) {
            tick.start(loop, 5ms, {[](void*) {}, nullptr});
            loop.run_once();
        }
    }
    std::string sql(const std::string& statement) { return server.sql(uri, statement); }
    // How many the server has.
    std::string policies() { return sql("SELECT count(*) FROM postseal_sts WHERE body <> ''"); }

    PostgresServer& server;
    std::string uri;
    async::UvLoop loop;
};

store::StsRow policy(const std::string& name, WallTime fetched_at, const char* mode = "enforce") {
    return {.domain = domain(name),
            .body =
                fmt::format("version: STSv1\nmode: {}\nmx: mx.example.com\nmax_age: 86400\n", mode),
            .id = "1",
            .fetched_at = fetched_at,
            .expires_at = fetched_at + 24h,
            .refresh_at = fetched_at + 22h};
}

std::string mode_of(const store::Loaded& loaded) {
    if (!loaded.sts) return "";
    const auto mode = held_mode(*loaded.sts);
    return mode ? std::string(to_string(*mode)) : "";
}

} // namespace

TEST_CASE("the first contact of one node is that of all, and they are told") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri), b(world.loop, world.uri);
    a.store->save(policy("example.com", a.clock()));
    CHECK(mode_of(a.load("example.com")) == "enforce"); // at once
    REQUIRE(world.turn_until([&] { return !b.news.empty(); }));
    CHECK(b.news == std::vector<std::string>{"example.com"});
    const auto at_b = b.load("example.com");
    CHECK(mode_of(at_b) == "enforce");
    CHECK(at_b.sts->origin == a.store->status().shared->node);
    CHECK(a.load("example.com").sts->origin.empty());
    CHECK(a.news.empty());
    // DANE as well.
    a.store->save(store::NexthopRow{.nexthop = "example.com",
                                    .dane = true,
                                    .dane_seen_at = a.clock(),
                                    .verdict = "dane-only",
                                    .row = 6,
                                    .seen_at = a.clock()});
    REQUIRE(world.turn_until([&] { return b.news.size() == 2; }));
    CHECK(b.load("example.com").nexthop->dane);
    CHECK(b.load("example.com").nexthop->dane_by == a.store->status().shared->node);
    CHECK(a.load("example.com").nexthop->dane_by.empty());
}

TEST_CASE("a new node knows at its first question, before it has read the feed") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri);
    a.store->save(policy("example.com", a.clock()));
    REQUIRE(world.turn_until([&] { return a.all_shared(); }));
    Relay fresh(world.loop, world.uri);
    CHECK(mode_of(fresh.load("example.com")) == "enforce");
    CHECK_FALSE(fresh.load("other.example").sts.has_value());
}

TEST_CASE("nodes whose clocks differ by minutes agree on the newest fetch") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay ahead(world.loop, world.uri, 7min), behind(world.loop, world.uri, -5min);
    ahead.store->save(policy("example.com", ahead.clock() - 2h, "testing"));
    REQUIRE(world.turn_until([&] { return !behind.news.empty(); }));
    // Later, though its clock says earlier.
    behind.store->save(policy("example.com", behind.clock() - 119min, "enforce"));
    REQUIRE(world.turn_until([&] { return mode_of(ahead.load("example.com")) == "enforce"; }));
    const auto row = *ahead.load("example.com").sts;
    CHECK(std::chrono::abs(ahead.clock() - 119min - row.fetched_at) < 30s);
    CHECK(row.expires_at - row.fetched_at == 24h);
}

TEST_CASE("a failure reaches the others and takes no policy away") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri), b(world.loop, world.uri);
    a.store->save(policy("example.com", a.clock() - 1h));
    REQUIRE(world.turn_until([&] { return !b.news.empty(); }));
    // A lookup that began before it knew of the policy, and failed.
    b.store->save(store::StsRow{.domain = domain("example.com"),
                                .failures = 1,
                                .failed_id = "2",
                                .fault = "connect",
                                .reason = "refused",
                                .failed_at = b.clock(),
                                .retry_at = b.clock() + 5min});
    CHECK(mode_of(b.load("example.com")) == "enforce"); // not for a moment without
    REQUIRE(world.turn_until([&] {
        const auto loaded = a.load("example.com");
        return loaded.sts && loaded.sts->failures == 1;
    }));
    CHECK(mode_of(a.load("example.com")) == "enforce");
    CHECK(mode_of(b.load("example.com")) == "enforce");
    CHECK(a.load("example.com").sts->failed_by == b.store->status().shared->node);
    CHECK(a.load("example.com").sts->origin.empty());
    CHECK(a.news.empty()); // its answers stay right
}

TEST_CASE("what an operator forgets is forgotten on all nodes") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri), b(world.loop, world.uri);
    a.store->save(policy("example.com", a.clock() - 1h));
    REQUIRE(world.turn_until([&] { return mode_of(b.load("example.com")) == "enforce"; }));
    b.store->save(store::StsRow{.domain = domain("example.com")});
    CHECK(world.turn_until([&] { return mode_of(a.load("example.com")).empty(); }));
    CHECK(mode_of(b.load("example.com")).empty());
}

namespace {

enum class Away { ended, hangs };
enum class Meanwhile { nothing, restart };

void without_the_server(PostgresServer& server, Away away, Meanwhile meanwhile) {
    World world(server);
    Relay a(world.loop, world.uri), b(world.loop, world.uri);
    a.store->save(policy("known.example", a.clock()));
    a.store->save(policy("due.example", a.clock() - 23h));
    b.store->save(store::NexthopRow{.nexthop = "plain.example",
                                    .verdict = "may",
                                    .row = 13,
                                    .verdict_since = b.clock() - 1h,
                                    .seen_at = b.clock()});
    REQUIRE(world.turn_until([&] { return mode_of(b.load("known.example")) == "enforce"; }));
    CHECK(b.load("never.example").sts_elsewhere.empty());
    REQUIRE(world.turn_until([&] { return a.all_shared(); }));
    if (away == Away::hangs)
        server.hang();
    else
        server.stop();
    a.store->save(policy("new.example", a.clock()));
    CHECK(mode_of(a.load("new.example")) == "enforce");
    CHECK(mode_of(b.load("known.example")) == "enforce");
    REQUIRE(world.turn_until([&] { return !a.reached() && !b.reached(); }));
    const store::Status status = a.store->status();
    CHECK(status.degraded);
    CHECK(status.reason.contains("shared store: "));
    CHECK(status.reason.contains("since "));
    CHECK(status.failures > 0);
    CHECK(b.log.size() == 1); // once, not at each attempt
    CHECK_FALSE(b.load("new.example").sts.has_value());
    // Not read is not absent, but what was known before is.
    CHECK_FALSE(b.load("new.example").sts_elsewhere.empty());
    CHECK(b.load("known.example").sts_elsewhere.empty());
    CHECK(b.load("plain.example").sts_elsewhere.empty());
    // By its own clock and store, but at a time of its own.
    const auto alone = a.next();
    REQUIRE_FALSE(alone.empty());
    CHECK(alone.front().domain == domain("due.example"));
    CHECK(alone.front().at > a.clock() - 1min);
    CHECK(alone.front().at < a.clock() + 31min); // half of what is left of its life
    CHECK(a.next().front().at == alone.front().at);

    if (meanwhile == Meanwhile::restart) {
        a.store.reset();
        a.start();
    }
    if (away == Away::hangs)
        server.go_on();
    else
        server.start();
    CHECK(world.turn_until([&] { return mode_of(b.load("new.example")) == "enforce"; }));
    CHECK(world.turn_until([&] { return a.all_shared() && a.reached(); }));
    CHECK_FALSE(a.store->status().degraded);
    CHECK(world.turn_until([&] { return b.load("never.example").sts_elsewhere.empty(); }));
    // What was put off is due again, as the server says.
    REQUIRE(world.turn_until([&] {
        return std::ranges::any_of(a.next(), [&](const auto& one) {
            return one.domain == domain("due.example") && one.at <= a.clock();
        });
    }));
    CHECK(a.load("due.example").sts->refresh_at <= a.clock());
}

} // namespace

TEST_CASE("without the server nodes go on, and what they learn is shared when it is back") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    for (const Away away : {Away::ended, Away::hangs})
        for (const Meanwhile meanwhile : {Meanwhile::nothing, Meanwhile::restart})
            without_the_server(*server, away, meanwhile);
}

TEST_CASE("a node that had no shared store shares what it has") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Scratch before;
    {
        auto own =
            store::SqliteStore::open(world.loop, before.file(), now, [](const std::string&) {});
        REQUIRE(own.has_value());
        for (int i = 0; i < 2500; i++)
            (*own)->save(policy(fmt::format("d{}.example", i), now() - 1h));
        (*own)->save(nexthop_row("d1.example"));
    }
    Relay old(world.loop, world.uri);
    old.store.reset();
    sql(old.scratch.file(),
        fmt::format("ATTACH '{}' AS before; INSERT INTO sts SELECT * FROM before.sts;"
                    "INSERT INTO nexthop SELECT * FROM before.nexthop; DELETE FROM fleet;",
                    before.file()));
    old.start();
    // What waits is counted before anybody can take the node for one that has shared all.
    milliseconds behind{0};
    REQUIRE(
        world.turn_until([&] { return old.behind() < std::exchange(behind, old.behind()); }, 1ms));
    CHECK(old.store->status().shared->unshared == 2501);
    REQUIRE(
        world.turn_until([&] { return world.sql("SELECT count(*) FROM postseal_sts") == "2500"; }));
    CHECK(world.turn_until(
        [&] { return world.sql("SELECT count(*) FROM postseal_nexthop") == "1"; }));
    CHECK(world.turn_until([&] { return old.all_shared(); }));
    // A new node gets all of it by the feed, page by page.
    Relay fresh(world.loop, world.uri);
    CHECK(world.turn_until([&] { return fresh.enforced() == 2500; }));
}

TEST_CASE("a database that was set back, or another one, gets what the nodes have") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri);
    a.store->save(policy("example.com", a.clock()));
    REQUIRE(world.turn_until([&] { return a.all_shared(); }));
    REQUIRE(world.turn_until([&] {
        return sql(a.scratch.file(), "SELECT value FROM fleet WHERE name = 'feed'") == "1";
    }));
    SUBCASE("set back") {
        world.sql("DELETE FROM postseal_log");
        world.sql("UPDATE postseal_change SET version = 0");
    }
    SUBCASE("another one") {
        a.store.reset();
        world.sql("UPDATE postseal_meta SET identity = 'another'");
    }
    world.sql("DELETE FROM postseal_sts");
    if (!a.store) a.start();
    CHECK(world.turn_until([&] { return world.sql("SELECT count(*) FROM postseal_sts") == "1"; }));
}

TEST_CASE("overrides reach every node, and are known without the server") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay relay(world.loop, world.uri);
    std::string told;
    relay.store->on_overrides([&](const std::string& lines) { told = lines; });
    const Interrupt interrupt;
    SharedStore operators(world.uri, generous, interrupt);
    const auto set = [&](const std::string& key, const std::string& line) {
        REQUIRE(operators.set({.key = key, .line = line, .by = "me", .at = {}}).has_value());
    };
    set("a.example", "a.example may");
    set("b.example", "b.example encrypt");
    REQUIRE(world.turn_until([&] { return told == "a.example may\nb.example encrypt\n"; }));
    set("a.example", "");
    REQUIRE(world.turn_until([&] { return told == "b.example encrypt\n"; }));
    server->stop();
    relay.store.reset();
    relay.start();
    CHECK(relay.store->overrides() == "b.example encrypt\n");
    server->start();
}

TEST_CASE("what is due is leased by one node; the other is told when to look again") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri), b(world.loop, world.uri);
    for (int i = 0; i < 5; i++)
        a.store->save(policy(fmt::format("d{}.example", i), a.clock() - 23h));
    REQUIRE(world.turn_until([&] { return b.enforced() == 5; }));
    REQUIRE(world.turn_until([&] { return a.all_shared(); }));
    const auto due = [](const std::vector<store::RefreshDue>& next) {
        return std::ranges::count_if(next, [](const auto& one) { return one.at <= now(); });
    };
    CHECK(due(a.next()) == 5);
    const auto of_b = b.next();
    CHECK(due(of_b) == 0);
    REQUIRE_FALSE(of_b.empty());
    CHECK(of_b.front().at < now() + 1min);
    // The watchdog's look at the own store leases nothing.
    world.sql("UPDATE postseal_sts SET lease_until = 0");
    // But not at once: it was given less than it asked for.
    CHECK(due(b.next()) == 0);
    CHECK(world.turn_until([&] { return due(b.next()) == 5; }));
    CHECK(due(a.next()) == 0);
}

TEST_CASE("a daemon starts whatever its server is like, but not with what is not a URI") {
    CHECK_FALSE(Server::open("postgresql://x:s3cret@[").has_value());
    // Nobody there: it starts.
    const auto away = Server::open("postgresql:///x?host=/nonexistent");
    REQUIRE(away.has_value());
    CHECK((*away)->away.has_value());
}

namespace {

// As an asynchronous standby is that has followed up to now, when it is promoted later.
struct Standby {
    explicit Standby(World& w) : world(w) {
        for (const std::string& table : tables)
            world.sql(fmt::format("CREATE TABLE dump_{0} AS SELECT * FROM postseal_{0}", table));
    }
    // All at once; then it goes on by itself for so many changes of no row.
    void take_over(int more) {
        std::string all = "DO $$ BEGIN ";
        for (const std::string& table : tables)
            all += fmt::format("DELETE FROM postseal_{0};"
                               "INSERT INTO postseal_{0} SELECT * FROM dump_{0};",
                               table);
        for (int i = 0; i < more; i++)
            all += "UPDATE postseal_change SET version = version + 1;"
                   "INSERT INTO postseal_log SELECT version, md5(random()::text), 0"
                   " FROM postseal_change;";
        world.sql(all + " END $$");
    }
    World& world;
    std::vector<std::string> tables{"meta", "change", "log", "sts", "nexthop", "override"};
};

} // namespace

TEST_CASE("what was shared with a server that then failed over is shared with the next one") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    // Before this node has read its own write back, and after; the numbers of the new history are
    // behind, and beyond, what it has read.
    for (const bool read_back : {false, true})
        for (const int more : {0, 9}) {
            CAPTURE(read_back);
            CAPTURE(more);
            World world(*server);
            Relay a(world.loop, world.uri);
            a.store->save(policy("one.example", a.clock()));
            REQUIRE(world.turn_until([&] { return a.all_shared(); }));
            world.turn(1s);
            Standby standby(world);
            a.store->save(policy("two.example", a.clock()));
            REQUIRE(world.turn_until([&] { return world.policies() == "2"; }, 5ms));
            if (read_back) world.turn(2s);
            standby.take_over(more);
            CHECK(world.policies() == "1");
            CHECK(world.turn_until([&] { return world.policies() == "2"; }));
        }
}

TEST_CASE("what was shared before a restart with a server that then failed over is shared again") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri);
    a.store->save(policy("one.example", a.clock()));
    REQUIRE(world.turn_until([&] { return a.all_shared(); }));
    world.turn(1s);
    Standby standby(world);
    a.store->save(policy("two.example", a.clock()));
    REQUIRE(world.turn_until([&] { return world.policies() == "2"; }, 5ms));
    world.turn(10ms);
    async::block_on(world.loop, a.store->flush());
    a.store.reset();
    standby.take_over(9);
    a.start();
    CHECK(world.turn_until([&] { return world.policies() == "2"; }));
}

TEST_CASE("a policy that was asked for and is not on the next server is offered to it") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay b(world.loop, world.uri);
    REQUIRE(world.turn_until([&] { return b.reached(); }));
    world.turn(1s);
    Standby standby(world);
    const Interrupt interrupt;
    SharedStore dead(world.uri, generous, interrupt); // a node that does not come back
    REQUIRE(dead.check().has_value());
    const WallTime fetched = dead.server_now();
    REQUIRE(dead.offer({.policies = {{.row = policy("one.example", fetched)}}}).has_value());
    CHECK(mode_of(b.load("one.example")) == "enforce");
    standby.take_over(9);
    CHECK(world.turn_until([&] { return world.policies() == "1"; }));
}

// A row that the server lost without a trace: no version and no token says so.
TEST_CASE("a policy that is overdue, and that the server does not have, is offered and leased") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri);
    REQUIRE(world.turn_until([&] { return a.reached(); }));
    a.store->save(policy("overdue.example", a.clock() - 23h));
    a.store->save(policy("later.example", a.clock() - 1h));
    a.store->save(policy("just-due.example", a.clock() - 22h - 1min));
    REQUIRE(world.turn_until([&] { return a.all_shared() && world.policies() == "3"; }));
    world.turn(2s); // it reads in the feed what it wrote
    world.sql("DELETE FROM postseal_sts");
    const auto known = [&] {
        return world.sql("SELECT string_agg(domain, ' ' ORDER BY domain) FROM postseal_sts");
    };
    const bool offered = world.turn_until([&] {
        a.next();
        return !known().empty();
    });
    CHECK(offered);
    world.turn(1s);
    CHECK(known() == "overdue.example");
    const Interrupt interrupt;
    SharedStore other(world.uri, generous, interrupt);
    REQUIRE(other.check().has_value());
    CHECK(other.lease("other", 9, 1min).value().size() == 1);
}

TEST_CASE("what the server lost without a trace is offered again by a sweep") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri, 0ms, 5s), without(world.loop, world.uri);
    REQUIRE(world.turn_until([&] { return a.reached() && without.reached(); }));
    for (int i = 0; i < 3; i++)
        a.store->save(policy(fmt::format("d{}.example", i), a.clock() - 1h));
    without.store->save(policy("other.example", without.clock() - 1h));
    REQUIRE(world.turn_until([&] { return world.policies() == "4" && without.enforced() == 4; }));
    world.turn(2s);
    world.sql("DELETE FROM postseal_sts");
    CHECK(world.turn_until([&] { return world.policies() >= "3"; }));
}

TEST_CASE("what an operator forgot does not come back with a server that failed over") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri);
    a.store->save(policy("one.example", a.clock() - 1h));
    REQUIRE(world.turn_until([&] { return a.all_shared(); }));
    world.turn(1s);
    Standby standby(world);
    a.store->save(store::StsRow{.domain = domain("one.example")});
    REQUIRE(world.turn_until([&] { return world.policies() == "0"; }));
    world.turn(2s);
    standby.take_over(9);
    CHECK(world.turn_until([&] { return world.policies() == "0"; }));
    CHECK(mode_of(a.load("one.example")) == "");
}

TEST_CASE("an override is logged when it comes into force: key, policy, who, when") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri);
    REQUIRE(world.turn_until([&] { return a.reached(); }));
    const Interrupt interrupt;
    SharedStore other(world.uri, generous, interrupt);
    const SharedOverride one{
        .key = "a.example", .line = "a.example may", .by = "eve@relay7", .at = {}};
    REQUIRE(other.set(one).has_value());
    REQUIRE(world.turn_until([&] { return !a.store->overrides().empty(); }));
    const std::string at = rfc3339(other.overrides().value().at(0).at);
    REQUIRE(a.log.size() == 1);
    CHECK(a.log[0] == "override of the fleet for a.example is in force: \"a.example may\", set by "
                      "eve@relay7 at " +
                          at);
    // Another one says nothing of the first, nor does what was superseded.
    REQUIRE(
        other.set({.key = "b.example", .line = "b.example may", .by = "me", .at = {}}).has_value());
    REQUIRE(other.set({.key = "a.example", .line = "", .by = "root@relay2", .at = {}}).has_value());
    REQUIRE(world.turn_until([&] { return a.store->overrides() == "b.example may\n"; }));
    CHECK(std::ranges::count_if(a.log, [](const std::string& line) {
              return line.contains("a.example was removed by root@relay2 at ");
          }) == 1);
    CHECK(std::ranges::count_if(a.log, [](const std::string& line) {
              return line.contains("for a.example is");
          }) == 1);
}

TEST_CASE("what a node could not read of its fleet at the start is not absent") {
    FaultyDisk disk;
    Scratch scratch;
    async::UvLoop loop;
    std::vector<std::string> log;
    const auto note = [&log](std::string text) { log.push_back(std::move(text)); };
    const auto open = [&] {
        return store::SqliteStore::open(loop, scratch.file(), [] { return now(); }, note).value();
    };
    {
        auto own = open();
        own->save(store::FleetFact{.name = "node", .value = "the-old-id"});
        own->save(store::FleetFact{.name = "shared-override/b.example",
                                   .value = "1764000000000 7 2 me b.example secure match=mx.b"});
    }
    auto own = open();
    store::SqliteStore& kept = *own;
    bool fails = true;
    SUBCASE("it can be read") { fails = false; }
    SUBCASE("it cannot, for a second") {}
    if (fails) disk.failing_reads = 1'000'000;
    FleetStore fleet(
        loop, std::move(own),
        Server::open("postgresql://127.0.0.1:1/nobody?connect_timeout=1").value(),
        [] { return moment_of(now()); }, FleetStore::Log{.warning = note, .same_node_id = note});
    std::string told;
    fleet.on_overrides([&told](const std::string& lines) { told = lines; });
    const auto turn_until = [&](const std::function<bool()>& condition, milliseconds limit) {
        const MonoTime end = loop.now() + limit;
        async::Timer tick;
        while (!condition() && loop.now() < end) {
            tick.start(loop, 5ms, {[](void*) {}, nullptr});
            loop.run_once();
        }
    };
    turn_until([] { return false; }, 1s);
    CHECK(fleet.overrides().empty() == fails);
    if (fails) {
        disk.failing_reads = 0;
        // Other rows can be read again before.
        const auto loaded = async::block_on(loop, fleet.load(domain("b.example"), "b.example"));
        CHECK((!fleet.overrides().empty() || loaded.sts_unread.contains("overrides")));
    }
    turn_until([&] { return !fleet.status().shared->node.empty(); }, 60s);
    CHECK(fleet.status().shared->node == "the-old-id");
    CHECK(fleet.overrides() == "b.example secure match=mx.b\n");
    CHECK(told == (fails ? fleet.overrides() : ""));
    const auto loaded = async::block_on(loop, fleet.load(domain("b.example"), "b.example"));
    CHECK(loaded.sts_unread.empty());
    const auto state = async::block_on(loop, kept.fleet_state(0));
    CHECK(state.unread.empty());
    CHECK(fact(state, "node") == "the-old-id");
    CHECK(std::ranges::any_of(log, [](const std::string& line) {
              return line.starts_with("override of the fleet for b.example is in force");
          }) == fails);
}

TEST_CASE("two nodes with one id are told of, by both, and no longer when one is gone") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    Relay a(world.loop, world.uri);
    REQUIRE(world.turn_until([&] { return !a.store->status().shared->node.empty(); }));
    const std::string id = a.store->status().shared->node;
    std::optional<Relay> copied(std::in_place, world.loop, world.uri);
    copied->store.reset();
    {
        auto own = store::SqliteStore::open(
            world.loop, copied->scratch.file(), [] { return now(); }, [](const std::string&) {});
        own.value()->save(store::FleetFact{.name = "node", .value = id});
    }
    copied->start();
    const auto told = [](const Relay& relay) {
        return relay.store->status().reason.contains("another node of the fleet is called");
    };
    CHECK(world.turn_until([&] { return told(a) && told(*copied); }));
    CHECK(a.store->status().degraded);
    CHECK(a.store->status().reason.contains(id));
    for (const Relay* relay : {&a, &*copied})
        CHECK(std::ranges::count_if(relay->log, [](const std::string& line) {
                  return line.starts_with("error: shared store ");
              }) == 1);
    // Neither takes the other's word for its own (fleet/merge.h).
    a.store->save(policy("held.example", a.clock()));
    CHECK(world.turn_until([&] { return mode_of(copied->load("held.example")) == "enforce"; }));
    CHECK(copied->load("held.example").sts->origin == id);
    copied.reset();
    CHECK(world.turn_until([&] { return !told(a); }));
    CHECK_FALSE(a.store->status().degraded);
    // A node that starts again is no other.
    a.store.reset();
    a.log.clear();
    a.start();
    world.turn(25s);
    CHECK_FALSE(told(a));
    CHECK(a.log.empty());
}

TEST_CASE("what the server refuses stays in sight while all else works") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    world.sql("DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'relay')"
              " THEN CREATE ROLE relay LOGIN; END IF; END $$");
    world.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO relay");
    world.sql("REVOKE INSERT, UPDATE ON postseal_sts FROM relay");
    std::string uri = world.uri;
    uri.replace(uri.find("user=postseal"), std::string("user=postseal").size(), "user=relay");
    Relay a(world.loop, uri);
    a.store->save(policy("example.com", a.clock()));
    REQUIRE(world.turn_until([&] { return !a.reached(); }));
    CHECK(a.store->status().reason.contains("permission denied"));
    // It reads, and tells of itself every 10 s; that is not a reason to say that all is well.
    const MonoTime end = world.loop.now() + 12s;
    bool flapped = false;
    while (world.loop.now() < end) {
        flapped = flapped || a.reached();
        world.turn(50ms);
    }
    CHECK_FALSE(flapped);
    CHECK(a.behind() < 10s);
    CHECK(std::ranges::count_if(
              a.log, [](const std::string& line) { return line.contains("works again"); }) == 0);
    // Leases are refused as well; what is due is fetched by this node alone.
    a.store->save(policy("due.example", a.clock() - 25h));
    CHECK(world.turn_until([&] {
        const auto next = a.next();
        return std::ranges::any_of(next, [&](const store::RefreshDue& due) {
            return due.domain.name() == "due.example" && due.at <= a.clock();
        });
    }));
    world.sql("GRANT INSERT, UPDATE ON postseal_sts TO relay");
    CHECK(world.turn_until([&] {
        a.next();
        return a.reached() && a.all_shared();
    }));
}

TEST_CASE("tables that are missing or newer keep no node from starting") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    World world(*server);
    const std::string empty = server->new_database();
    Relay a(world.loop, empty);
    CHECK_FALSE(a.reached());
    CHECK(a.store->status().reason.contains("postseal store init"));
    a.store->save(policy("example.com", a.clock()));
    CHECK(mode_of(a.load("example.com")) == "enforce");
    const Interrupt interrupt;
    SharedStore tables(empty, generous, interrupt);
    REQUIRE(tables.init().has_value());
    CHECK(world.turn_until([&] { return a.reached() && a.all_shared(); }));
    CHECK(server->sql(empty, "SELECT count(*) FROM postseal_sts") == "1");
    // Another node is upgraded first.
    server->sql(empty, "UPDATE postseal_meta SET schema_version = 99");
    CHECK(world.turn_until([&] { return !a.reached(); }));
    a.store->save(policy("two.example", a.clock()));
    world.turn(2s);
    CHECK(server->sql(empty, "SELECT count(*) FROM postseal_sts") == "1");
    CHECK(a.store->status().reason.contains("newer postseal"));
    Relay b(world.loop, empty);
    CHECK_FALSE(b.reached());
    CHECK(b.store->status().reason.contains("newer postseal"));
}
