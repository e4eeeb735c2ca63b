// The threat model of fleet/merge.h: one bad node, claim by claim
// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/merge.h"
#include "fleet/postgres_server.h"
#include "fleet/shared_store.h"
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

} // namespace

TEST_CASE("bad node: its failure does not take the place of one's own, which binds") {
    const store::StsRow own = failed(nothing, today - 5min, "");
    const Policy theirs{.row = failed(nothing, today - 1min, "bad")};
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

TEST_CASE("bad node: no failure, empty row or text that is no policy takes a policy away") {
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
    const Policy held{.row = fetched(today - 2h)};
    for (const milliseconds wrong : {milliseconds(2min), milliseconds(24h * 400)}) {
        const Policy weaker{.row = fetched(today + wrong, "none")};
        CHECK(merge(held, weaker, today) == held);
        CHECK(merge(weaker, held, today) == held);
        CHECK(as_seen_here(held.row, weaker, today) == held.row);
        // What nobody else knows is taken, and lives as long as if it were fetched now.
        const auto taken = merge({.row = nothing, .forgotten_at = {}}, weaker, today);
        CHECK(taken.row.fetched_at == today);
        CHECK(taken.row.expires_at == today + 24h);
        // And the next fetch replaces it.
        CHECK(merge(taken, {.row = fetched(today + 1s)}, today + 1s).row.body == held.row.body);
        const Policy older{.row = fetched(today - wrong - 3h, "none")};
        CHECK(merge(held, older, today).row.body == held.row.body);
    }
    // Of the node whose clock it is: its own rows wait until the clock is right again.
    CHECK(as_seen_here(held.row, {.row = fetched(today - 24h * 500)}, today - 24h * 400) ==
          held.row);
    // "Forgotten" in a year to come is forgotten now: what is found out later stays.
    const Policy forgets{.row = nothing, .forgotten_at = today + 24h * 400};
    CHECK(merge(merge(held, forgets, today), {.row = fetched(today + 1s)}, today + 2s).row.body ==
          held.row.body);
}

TEST_CASE("bad node: it neither extends a policy's life nor puts off its refresh for long") {
    store::StsRow row = fetched(today - 2h);
    row.expires_at += 24h * 3650;
    row.refresh_at += 24h * 3650;
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
    const Look denial{.row = seen(false, today - 1min, "bad")};
    CHECK(as_seen_here(seen(true, today - 1h, ""), denial, today).dane);
    CHECK(as_seen_here(seen(true, today - 1h, "good"), denial, today).dane_by == "good");
    const auto own = as_seen_here(seen(false, today - 1h, ""), denial, today);
    CHECK(own.dane_by.empty());
    CHECK(own.dane_seen_at == today - 1h);
    // It is shown where nothing is known, and is not remembered there: nexthop_notes_test.
    CHECK(as_seen_here({.nexthop = "example.com", .verdict = {}}, denial, today).dane_by == "bad");
    // What this node sees itself counts, and DANE that another saw since.
    const Look sees{.row = seen(true, today - 1min, "good")};
    CHECK(as_seen_here(seen(false, today - 1h, ""), sees, today).dane);
    CHECK(as_seen_here(seen(false, today, ""), sees, today).dane_by.empty());
    CHECK(as_seen_here(seen(false, today - 1h, ""), denial, today).verdict == "may");
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
    row.retry_at = row.refresh_at = now - 10s;
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
    CHECK(shared.prune(24h * 30, 1000).value() == 0);
    server->sql(uri, "UPDATE postseal_sts SET changed_at = changed_at - 31::bigint * 86400000");
    CHECK(shared.prune(24h * 30, 1000).value() == 1);
}
