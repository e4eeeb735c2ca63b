// The threat model of fleet/merge.h: one bad node, claim by claim
// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/merge.h"
#include "fleet/postgres_server.h"
#include "fleet/shared_store.h"
#include "fleet/viewpoint.h"
#include "store/scratch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace postseal;
using namespace postseal::fleet;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

const WallTime today = std::chrono::sys_days{std::chrono::year{2026} / 11 / 30};

store::StsRow fetched(WallTime when, const char* mode = "enforce", milliseconds life = 24h) {
    return {.domain = domain("example.com"),
            .body = fmt::format("version: STSv1\nmode: {}\nmx: mx.example.com\nmax_age: {}\n", mode,
                                life / 1s),
            .id = "1",
            .fetched_at = when,
            .expires_at = when + life,
            .refresh_at = when + 22h};
}

store::StsRow failed(store::StsRow row, WallTime when, const char* by) {
    row.failures = 9;
    row.failed_id = "1";
    row.fault = "certificate";
    row.reason = "its issuer is not known";
    row.failed_at = when;
    row.retry_at = when + 1h;
    row.failed_by = by;
    return row;
}

const store::StsRow nothing{.domain = domain("example.com")};

store::NexthopRow seen(bool dane, WallTime when, const char* by) {
    return {.nexthop = "example.com",
            .dane = dane,
            .dane_seen_at = when,
            .dane_by = by,
            .verdict = dane ? "dane-only" : "may",
            .seen_at = when};
}

store::Moment at(WallTime when) { return {.now = when, .confirmed = true, .boot = "b"}; }

store::StsRow as_seen_here(const store::StsRow& own, const SharedPolicy& theirs, WallTime now) {
    return fleet::as_seen_here(own, theirs, at(now));
}

} // namespace

TEST_CASE("bad node: its failure does not take the place of one's own, which binds") {
    const store::StsRow own = failed(nothing, today - 5min, "");
    const SharedPolicy theirs{.row = failed(nothing, today - 1min, "bad")};
    CHECK(as_seen_here(own, theirs, today) == own);
    // Where nothing was tried here it is shown, and binds nobody: engine_test.
    CHECK(as_seen_here(nothing, theirs, today).failed_by == "bad");
    // Where a policy is in force it saves work.
    const store::StsRow held = failed(fetched(today - 2h), today - 5min, "");
    CHECK(as_seen_here(held, theirs, today).failed_by == "bad");
    CHECK(as_seen_here(held, theirs, today).body == held.body);
    // Until that has run out.
    CHECK(as_seen_here(failed(fetched(today - 48h), today - 5min, ""), theirs, today)
              .failed_by.empty());
}

TEST_CASE("bad node: no failure, empty row or text that is not a policy takes a policy away") {
    const store::StsRow held = fetched(today - 2h);
    store::StsRow broken = fetched(today - 1h);
    broken.body = "version: STSv9\nmode: nothing that is known\n";
    store::StsRow empty = fetched(today - 1h);
    empty.body.clear();
    for (const auto& row : {nothing, failed(nothing, today, "bad"), broken, empty}) {
        CHECK(as_seen_here(held, {.row = row, .forgotten_at = {}}, today).body == held.body);
        CHECK(merge({.row = row, .forgotten_at = {}}, {.row = held, .forgotten_at = {}}, today)
                  .row.body == held.body);
    }
}

TEST_CASE("bad node: a clock that is years ahead, or behind, wins nothing and deletes nothing") {
    const SharedPolicy held{.row = fetched(today - 2h)};
    for (const milliseconds wrong : {milliseconds(2min), milliseconds(24h * 400)}) {
        const SharedPolicy weaker{.row = fetched(today + wrong, "none")};
        CHECK(merge(held, weaker, today) == held);
        CHECK(merge(weaker, held, today) == held);
        CHECK(as_seen_here(held.row, weaker, today) == held.row);
        // What nobody else knows is taken, and lives as long as if it were fetched now.
        const auto taken = merge({.row = nothing, .forgotten_at = {}}, weaker, today);
        CHECK(taken.row.fetched_at == today);
        CHECK(taken.row.expires_at == today + 24h);
        // And the next fetch replaces it.
        CHECK(merge(taken, {.row = fetched(today + 1s)}, today + 1s).row.body == held.row.body);
        const SharedPolicy older{.row = fetched(today - wrong - 3h, "none")};
        CHECK(merge(held, older, today).row.body == held.row.body);
    }
    // Of the node whose clock it is: its own rows wait until the clock is right again.
    CHECK(as_seen_here(held.row, {.row = fetched(today - 24h * 500)}, today - 24h * 400) ==
          held.row);
    // "Forgotten" in a year to come is forgotten now: what is found out later stays.
    const SharedPolicy forgets{.row = nothing, .forgotten_at = today + 24h * 400};
    CHECK(merge(merge(held, forgets, today), {.row = fetched(today + 1s)}, today + 2s).row.body ==
          held.row.body);
}

TEST_CASE("bad node: it neither extends a policy's life nor puts off its refresh for long") {
    store::StsRow row = fetched(today - 2h);
    row.expires_at += 24h * 3650;
    row.refresh_at = today + 24h * 3650;
    const auto merged = merge({.row = nothing, .forgotten_at = {}}, {.row = row}, today).row;
    CHECK(merged.expires_at == row.fetched_at + 24h);
    CHECK(merged.refresh_at == row.fetched_at + 25h);
    row = failed(row, today - 1min, "bad");
    row.retry_at += 24h * 3650;
    CHECK(merge({.row = nothing, .forgotten_at = {}}, {.row = row}, today).row.retry_at ==
          row.failed_at + 1h);
    // Nor does it shorten the life of what others have fetched.
    store::StsRow shorter = fetched(today - 2h);
    shorter.expires_at -= 20h;
    CHECK(as_seen_here(fetched(today - 2h), {.row = shorter}, today).expires_at == today + 22h);
}

TEST_CASE("bad node: its word that there is no DANE takes no other word away") {
    const SharedNexthop denial{.row = seen(false, today - 1min, "bad")};
    CHECK(as_seen_here(seen(true, today - 1h, ""), denial, today).dane);
    CHECK(as_seen_here(seen(true, today - 1h, "good"), denial, today).dane_by == "good");
    const auto own = as_seen_here(seen(false, today - 1h, ""), denial, today);
    CHECK(own.dane_by.empty());
    CHECK(own.dane_seen_at == today - 1h);
    // It is shown where nothing is known, and is not remembered there: nexthop_notes_test.
    CHECK(as_seen_here({.nexthop = "example.com", .verdict = {}}, denial, today).dane_by == "bad");
    // What this node sees itself counts, and DANE that another saw since.
    const SharedNexthop sees{.row = seen(true, today - 1min, "good")};
    CHECK(as_seen_here(seen(false, today - 1h, ""), sees, today).dane);
    CHECK(as_seen_here(seen(false, today, ""), sees, today).dane_by.empty());
    CHECK(as_seen_here(seen(false, today - 1h, ""), denial, today).verdict == "may");
}

// A machine was copied with its state_dir, or somebody writes another's id.
TEST_CASE("bad node: a row that names this node is not for that this node's own word") {
    const Viewpoint here{.node = "me", .ahead = 3s};
    const store::StsRow own_failure = failed(nothing, today - 1min, "");
    const SharedPolicy theirs{.row = translated(failed(nothing, today - 1min, "me"), 3s)};
    CHECK(as_seen_here(nothing, here.from_server(theirs), today).failed_by == "me");
    // This node's own comes back as that, and as nothing new.
    CHECK(as_seen_here(own_failure, here.from_server(here.to_server(own_failure)), today) ==
          own_failure);
    const store::StsRow own_policy = failed(fetched(today - 2h), today - 1min, "");
    CHECK(as_seen_here(own_policy, here.from_server(here.to_server(own_policy)), today) ==
          own_policy);

    const SharedNexthop denial{.row = translated(seen(false, today, "me"), 3s)};
    const auto still = as_seen_here(seen(true, today - 1h, ""), here.from_server(denial), today);
    CHECK((still.dane && still.dane_seen_at == today - 1h));
    CHECK(as_seen_here({.nexthop = "example.com", .verdict = {}}, here.from_server(denial), today)
              .dane_by == "me");
    for (const bool dane : {false, true}) {
        const store::NexthopRow own = seen(dane, today - 1h, "");
        CHECK(as_seen_here(own, here.from_server(here.to_server(own)), today) == own);
    }
}

TEST_CASE("bad node: failing every day, or every hour, it does not put off a refresh for ever") {
    for (const milliseconds every : {milliseconds(20h), milliseconds(90min)}) {
        SharedPolicy held{.row = fetched(today, "enforce", 24h * 30)};
        bool due = false;
        for (WallTime now = today + 20h; now < today + 24h * 30; now += every) {
            due = due || held.row.refresh_at <= now;
            SharedPolicy bad = held;
            bad.row = failed(bad.row, now, "bad");
            bad.row.refresh_at = now + 25h;
            held = merge(held, bad, now);
        }
        CHECK(due);
    }
}

TEST_CASE("a node of an earlier version does not erase a policy that it cannot read") {
    store::StsRow row = fetched(today - 1h);
    row.body = "version: STSv1\nmode: enforce\nmx: what a later version understands\n"
               "max_age: 86400\n";
    row.origin = "new";
    const SharedPolicy held{.row = row};
    const SharedPolicy failure{.row = failed(nothing, today, "old")};
    for (const SharedPolicy& merged : {merge(held, failure, today), merge(failure, held, today)}) {
        CHECK(is_worth_sharing(held, merged));
        CHECK(merged.row.body == row.body);
        CHECK(merged.row.expires_at == row.expires_at);
        CHECK(merged.row.failures == 9);
    }
    // To that node it is none.
    CHECK(as_seen_here(nothing, held, today).body.empty());
    // Nor does it keep a policy from being replaced, or forgotten.
    CHECK(merge(held, {.row = fetched(today)}, today).row.body == fetched(today).body);
    CHECK(merge(held, {.row = nothing, .forgotten_at = today}, today).row.body.empty());
}

TEST_CASE("a policy that another node fetched is as old here as it is there") {
    const SharedPolicy theirs{.row = fetched(today - 24h * 9, "enforce", 24h * 10)};
    const store::StsRow taken = as_seen_here(nothing, theirs, today);
    REQUIRE(taken.expires_at == today + 24h);
    const store::Moment moment{.now = today, .confirmed = false, .boot = "b"};
    CHECK(store::by_age(store::as_of(taken, moment), moment).expires_at == today + 24h);
    // This node's clock is a year behind: the server's counts.
    const Viewpoint here{.node = "me", .ahead = 24h * 365};
    const store::Moment behind{
        .now = today - 24h * 365, .confirmed = false, .boot = "b", .elapsed = 1h};
    const auto there = fleet::as_seen_here(nothing, here.from_server(theirs), behind);
    CHECK(store::by_age(store::as_of(there, behind), behind).expires_at == behind.now + 24h);
    // Once more changes nothing.
    CHECK(as_seen_here(taken, theirs, today + 1h) == taken);
}

TEST_CASE(
    "a policy taken over counts the time until its first load, whatever the wall clock shows") {
    const SharedPolicy theirs{.row = fetched(today - 24h * 9, "enforce", 24h * 10)};
    const store::Moment then{.now = today, .confirmed = false, .boot = "b", .elapsed = 1h};
    const store::StsRow taken = fleet::as_seen_here(nothing, theirs, then);
    store::Moment moment = then;
    moment.elapsed += 20h;
    SUBCASE("it stands still") {}
    SUBCASE("it goes") { moment.now += 20h; }
    SUBCASE("it goes back") { moment.now -= 24h * 365; }
    CHECK(store::by_age(store::as_of(taken, moment), moment).expires_at == moment.now + 4h);
}

TEST_CASE("a policy taken over by a clock that was years behind outlives its being set") {
    const SharedPolicy theirs{.row = fetched(today - 24h * 9, "enforce", 24h * 10)};
    const Viewpoint here{.node = "me", .ahead = 24h * 400};
    const store::Moment behind{
        .now = today - 24h * 400, .confirmed = false, .boot = "b", .elapsed = 1min};
    const store::StsRow taken = fleet::as_seen_here(nothing, here.from_server(theirs), behind);
    const store::Moment set{.now = today + 1h, .confirmed = true, .boot = "b", .elapsed = 61min};
    const store::StsRow row = store::as_of(taken, set);
    CHECK(row.expires_at == today + 24h);
    CHECK(row.age.dated);
}

TEST_CASE("bad node: what it failed to refresh is leased to another next") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    const std::string uri = server->new_database();
    const Interrupt interrupt;
    SharedStore shared(uri, generous, interrupt);
    REQUIRE(shared.init().has_value());
    const WallTime now = shared.server_now();
    store::StsRow row = failed(fetched(now - 23h), now - 5min, "bad");
    row.retry_at = now - 10s;
    row.refresh_at = row.retry_at;
    row.origin = "good";
    REQUIRE(shared.offer({.policies = {{.row = row, .forgotten_at = {}}}}).has_value());
    CHECK(shared.lease("bad", 9, 1min).value().empty());
    CHECK(shared.lease("good", 9, 1min).value().size() == 1);
    // Nobody took it for minutes: better by the same node than by none.
    server->sql(uri, "UPDATE postseal_sts SET lease_until = 0, refresh_at = refresh_at - 120000");
    CHECK(shared.lease("bad", 9, 1min).value().size() == 1);
}

TEST_CASE("bad node: rows are pruned by the server's clock, not by its own") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    const std::string uri = server->new_database();
    const Interrupt interrupt;
    SharedStore shared(uri, generous, interrupt);
    REQUIRE(shared.init().has_value());
    const WallTime now = shared.server_now();
    REQUIRE(shared.offer({.policies = {{.row = fetched(now), .forgotten_at = {}}}}).has_value());
    CHECK(shared.prune(24h * 30, 1000, now + 24h * 400).value() == 0);
    server->sql(uri, "UPDATE postseal_sts SET changed_at = changed_at - 31::bigint * 86400000,"
                     " expires_at = 6");
    CHECK(shared.prune(24h * 30, 1000, now).value() == 1);
}
