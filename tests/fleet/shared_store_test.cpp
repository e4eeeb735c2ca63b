// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/shared_store.h"

#include "fleet/postgres_server.h"
#include "store/scratch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

using namespace postseal;
using namespace postseal::fleet;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

// Two nodes of a database of their own.
struct Shared {
    explicit Shared(PostgresServer& s)
        : server(s), uri(s.new_database()), a(uri, generous, interrupt),
          b(uri, generous, interrupt) {
        const auto made = a.init();
        REQUIRE_MESSAGE(made.has_value(), made.error().text);
        CHECK(*made);
        REQUIRE(b.check().has_value());
    }
    std::string sql(const std::string& statement) { return server.sql(uri, statement); }

    // Fetched so long ago, due to be looked at again in `due`.
    SharedPolicy policy(const std::string& name, milliseconds ago, milliseconds due) {
        store::StsRow row = sts_row(name);
        row.failures = 0;
        row.failed_id = row.fault = row.reason = row.failed_by = "";
        row.failed_at = row.retry_at = WallTime{};
        row.fetched_at = a.server_now() - ago;
        row.expires_at = row.fetched_at + 24h;
        row.refresh_at = a.server_now() + due;
        return {.row = row};
    }
    static void offer(SharedStore& node, const SharedPolicy& policy) {
        const auto done = node.offer({.policies = {policy}});
        REQUIRE_MESSAGE(done.has_value(), done.error().text);
    }
    static std::optional<SharedPolicy> find(SharedStore& node, const std::string& name) {
        const auto facts = node.find(name, "");
        REQUIRE(facts.has_value());
        return facts->policy;
    }

    PostgresServer& server;
    std::string uri;
    Interrupt interrupt;
    SharedStore a, b;
};

std::vector<std::string> names(const std::vector<SharedPolicy>& policies) {
    std::vector<std::string> names;
    names.reserve(policies.size());
    for (const SharedPolicy& policy : policies)
        names.push_back(policy.row.domain.name());
    return names;
}

} // namespace

TEST_CASE("tables that are missing, or of another version, are refused with the fix") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    const std::string uri = server->new_database();
    const Interrupt interrupt;
    SharedStore store(uri, generous, interrupt);
    auto checked = store.check();
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().fault == Fault::schema);
    CHECK(checked.error().text.contains("postseal store init"));
    CHECK(store.init().value());
    CHECK_FALSE(store.init().value()); // they are there
    const auto about = store.check();
    REQUIRE(about.has_value());
    CHECK(about->schema == schema_version);
    CHECK(about->identity.size() == 16);

    server->sql(uri, "UPDATE postseal_meta SET schema_version = 99");
    checked = store.check();
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().text.contains("newer postseal"));
    CHECK_FALSE(store.init().has_value());
    server->sql(uri, "UPDATE postseal_meta SET schema_version = 0");
    CHECK(store.check().error().text.contains("postseal store init"));
}

TEST_CASE("tables of the version before are brought up to date and keep their rows") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    const std::string identity = shared.a.check().value().identity;
    Shared::offer(shared.a, shared.policy("example.com", 1h, 20h));
    shared.sql("ALTER TABLE postseal_sts DROP COLUMN failed_by");
    shared.sql("ALTER TABLE postseal_nexthop DROP COLUMN dane_by");
    shared.sql("CREATE TABLE postseal_feed (one integer PRIMARY KEY, version bigint NOT NULL)");
    shared.sql("INSERT INTO postseal_feed SELECT one, version FROM postseal_change");
    shared.sql("DROP TABLE postseal_change");
    shared.sql("DROP TABLE postseal_log");
    shared.sql("UPDATE postseal_meta SET schema_version = 1");
    const auto checked = shared.a.check();
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().text.contains("of version 1, this postseal needs 3"));
    CHECK(checked.error().text.contains("postseal store init"));
    CHECK(shared.a.init().value());
    CHECK_FALSE(shared.a.init().value());
    CHECK(shared.a.check().value().identity == identity);
    const auto found = Shared::find(shared.b, "example.com");
    REQUIRE(found.has_value());
    CHECK(found->row.failed_by.empty());
    CHECK_FALSE(found->row.body.empty());
}

TEST_CASE("an init that broke off is simply run again") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    shared.sql("DELETE FROM postseal_meta");
    shared.sql("DROP TABLE postseal_nexthop");
    CHECK(shared.a.check().error().fault == Fault::schema);
    CHECK(shared.a.init().value());
    CHECK(shared.a.check().has_value());
}

TEST_CASE("overrides are told by the feed, also that they have been removed") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    const SharedOverride one{
        .key = "a.example", .line = "a.example may # \"why\"", .by = "me", .at = {}};
    REQUIRE(shared.a.set(one).has_value());
    REQUIRE(shared.a.set({.key = "b.example", .line = "b.example may", .by = "me", .at = {}})
                .has_value());
    REQUIRE(shared.a.overrides().value().size() == 2);
    auto changes = shared.b.changes({}, 100).value();
    REQUIRE(changes.overrides.size() == 2);
    CHECK(changes.overrides[0].line == one.line);
    CHECK(changes.overrides[0].by == "me");
    CHECK(std::chrono::abs(changes.overrides[0].at - shared.b.server_now()) < 1min);
    const auto upto = changes.upto;
    REQUIRE(shared.b.set({.key = "a.example", .line = "", .by = "me", .at = {}}).has_value());
    changes = shared.a.changes(upto, 100).value();
    REQUIRE(changes.overrides.size() == 1);
    CHECK(changes.overrides[0].line.empty());
    CHECK(shared.a.overrides().value().size() == 1);
    CHECK(shared.a.changes(changes.upto, 100).value().overrides.empty());
}

TEST_CASE("what one node offers, the other finds") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    const SharedPolicy policy = shared.policy("example.com", 1h, 20h);
    const SharedNexthop look{.row = {.nexthop = "[mx.example.com]:587",
                                     .dane = true,
                                     .dane_seen_at = policy.row.fetched_at,
                                     .verdict = "dane-only",
                                     .row = 6,
                                     .verdict_since = policy.row.fetched_at,
                                     .seen_at = policy.row.fetched_at}};
    const auto merged = shared.a.offer({.policies = {policy}, .looks = {look}});
    REQUIRE_MESSAGE(merged.has_value(), merged.error().text);
    CHECK(merged->policies == std::vector{policy});
    CHECK(merged->looks == std::vector{look});
    const auto facts = shared.b.find("example.com", "[mx.example.com]:587");
    REQUIRE(facts.has_value());
    CHECK(facts->policy == policy);
    CHECK(facts->look == look);
    CHECK(shared.b.find("other.example", "other.example").value().policy == std::nullopt);
}

TEST_CASE("the change feed gives each change once, in order, and nothing where nothing is new") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    CHECK(shared.b.changes({}, 1000).value().latest == 0);
    Shared::offer(shared.a, shared.policy("one.example", 1h, 20h));
    Shared::offer(shared.a, shared.policy("two.example", 1h, 20h));
    auto changes = shared.b.changes({}, 1000).value();
    CHECK(names(changes.policies) == std::vector<std::string>{"one.example", "two.example"});
    CHECK(changes.upto.version == 2);
    CHECK(changes.upto.token.size() == 16);
    const FeedVersion second = changes.upto;
    const SharedPolicy again = shared.policy("one.example", 1min, 20h);
    Shared::offer(shared.a, again);
    changes = shared.b.changes(second, 1000).value();
    const FeedVersion third = changes.upto;
    CHECK(changes.policies == std::vector{again});
    // The same once more is not news.
    Shared::offer(shared.b, again);
    Shared::offer(shared.b, shared.policy("one.example", 2h, 20h));
    CHECK(shared.b.changes(third, 1000).value().latest == 3);
    CHECK(shared.b.changes(third, 1000).value().policies.empty());
}

TEST_CASE("the feed is read page by page, and no page ends inside of a version") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    std::set<std::string> all;
    for (int group = 0; group < 4; group++) {
        Batch batch;
        for (int i = 0; i < 7; i++) {
            batch.policies.push_back(
                shared.policy(fmt::format("d{}-{}.example", group, i), 1h, 20h));
            all.insert(batch.policies.back().row.domain.name());
        }
        REQUIRE(shared.a.offer(batch).has_value());
    }
    std::set<std::string> seen;
    FeedVersion upto;
    for (int page = 0; page < 9 && upto.version < 4; page++) {
        const auto changes = shared.b.changes(upto, 10).value();
        CHECK(changes.latest == 4);
        CHECK(changes.upto.version > upto.version);
        CHECK_FALSE(changes.other_history);
        for (const std::string& name : names(changes.policies))
            CHECK(seen.insert(name).second);
        upto = changes.upto;
    }
    CHECK(seen == all);
}

TEST_CASE("the feed is read by index, whatever the number of domains") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    shared.sql("INSERT INTO postseal_sts SELECT 'd' || n || '.example', '', '', 0, 0, 0, '', '', "
               "'', 0, 0, n, false, '', 0, 0, n FROM generate_series(1, 20000) n");
    shared.sql("ANALYZE");
    const Interrupt interrupt;
    Postgres postgres(shared.uri, generous, interrupt);
    REQUIRE(postgres.connect().has_value());
    for (const auto& [query, index] :
         {std::pair("SELECT body FROM postseal_sts WHERE version > 19990 AND version <= 20000"
                    " ORDER BY version LIMIT 1000",
                    "postseal_sts_by_version"),
          {"SELECT domain FROM postseal_sts WHERE refresh_at > 0 AND refresh_at <= 20"
           " AND lease_until <= 20 ORDER BY refresh_at LIMIT 16",
           "postseal_sts_by_refresh"},
          {"SELECT domain FROM postseal_sts WHERE changed_at < -1 LIMIT 1000",
           "postseal_sts_by_change"}}) {
        const auto plan = postgres.run(fmt::format("EXPLAIN {}", query));
        REQUIRE(plan.has_value());
        std::string text;
        for (int row = 0; row < plan->size(); row++)
            text += plan->text(row, 0) + "\n";
        CHECK_MESSAGE(text.contains(index), text);
    }
}

TEST_CASE("writers at the same time lose nothing, and readers miss nothing") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    constexpr int each = 40;
    const auto write = [&](SharedStore& node, const std::string& who) {
        for (int i = 0; i < each; i++) {
            // One of its own, and one that both write.
            const Batch batch{
                .policies = {shared.policy(fmt::format("{}{}.example", who, i), 1h, 20h),
                             shared.policy("both.example", 1h - milliseconds(i), 20h)}};
            while (!node.offer(batch)) {
            }
        }
    };
    Interrupt interrupt;
    SharedStore reader(shared.uri, generous, interrupt);
    std::set<std::string> seen;
    FeedVersion upto;
    const auto read = [&] {
        const auto changes = reader.changes(upto, 1000);
        REQUIRE(changes.has_value());
        for (const std::string& name : names(changes->policies))
            seen.insert(name);
        upto = changes->upto;
    };
    {
        std::jthread one([&] { write(shared.a, "a"); });
        std::jthread two([&] { write(shared.b, "b"); });
        while (upto.version < each)
            read();
    }
    read();
    CHECK(seen.size() == 2 * each + 1);
    CHECK(Shared::find(reader, "both.example")->row.fetched_at >
          reader.server_now() - 1h - std::chrono::minutes(5));
}

TEST_CASE("a lease is one node's, and others get it when it has expired") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    Shared::offer(shared.a, shared.policy("due1.example", 23h, -2h));
    Shared::offer(shared.a, shared.policy("due2.example", 23h, -1h));
    Shared::offer(shared.a, shared.policy("due3.example", 23h, -3h));
    Shared::offer(shared.a, shared.policy("later.example", 1h, 20h));
    const auto one = shared.a.lease("a", 2, 1h).value();
    CHECK(names(one) == std::vector<std::string>{"due3.example", "due1.example"});
    CHECK(names(shared.b.lease("b", 9, 1h).value()) == std::vector<std::string>{"due2.example"});
    CHECK(shared.b.lease("b", 9, 1h).value().empty());
    // "a" dies. An hour later:
    shared.sql(
        "UPDATE postseal_sts SET lease_until = lease_until - 3600001 WHERE lease_node = 'a'");
    CHECK(shared.b.lease("b", 9, 1h).value().size() == 2);
    // What was fetched is not due.
    Shared::offer(shared.b, shared.policy("due3.example", 0h, 20h));
    shared.sql("UPDATE postseal_sts SET lease_until = 0");
    CHECK(names(shared.b.lease("b", 9, 1h).value()) ==
          std::vector<std::string>{"due1.example", "due2.example"});
}

TEST_CASE("no two nodes that ask at the same time get the same lease") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    Batch batch;
    for (int i = 0; i < 100; i++)
        batch.policies.push_back(shared.policy(fmt::format("d{}.example", i), 23h, -1h));
    REQUIRE(shared.a.offer(batch).has_value());
    std::vector<std::string> of_a, of_b;
    const auto lease = [](SharedStore& node, const char* name, std::vector<std::string>& into) {
        for (int empty = 0; empty < 3;) {
            const auto leased = node.lease(name, 7, 1h);
            if (!leased || leased->empty())
                empty++;
            else
                std::ranges::move(names(*leased), std::back_inserter(into));
        }
    };
    {
        std::jthread one([&] { lease(shared.a, "a", of_a); });
        std::jthread two([&] { lease(shared.b, "b", of_b); });
    }
    const std::set<std::string> both_a(of_a.begin(), of_a.end());
    std::set<std::string> all = both_a;
    all.insert(of_b.begin(), of_b.end());
    CHECK(all.size() == 100);
    CHECK(of_a.size() + of_b.size() == 100);
}

TEST_CASE("nodes tell of themselves, and rows of long ago go") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    REQUIRE(shared.a.report({.id = "relay1-0001", .version = "1", .feed = 3}).has_value());
    REQUIRE(shared.b.report({.id = "relay2-0002", .version = "1"}).has_value());
    REQUIRE(shared.a.report({.id = "relay1-0001", .version = "2", .feed = 4}).has_value());
    const auto nodes = shared.b.nodes().value();
    REQUIRE(nodes.size() == 2);
    CHECK(nodes[0].id == "relay1-0001");
    CHECK(nodes[0].version == "2");
    CHECK(nodes[0].feed == 4);
    CHECK(nodes[0].seen_at > shared.a.server_now() - 5min);

    Shared::offer(shared.a, shared.policy("old.example", 1h, 20h));
    shared.sql("UPDATE postseal_sts SET changed_at = 5, expires_at = 6");
    Shared::offer(shared.a, shared.policy("new.example", 1h, 20h));
    CHECK(shared.a.prune(24h, 1000, shared.a.server_now()).value() == 1);
    CHECK_FALSE(Shared::find(shared.b, "old.example").has_value());
    CHECK(Shared::find(shared.b, "new.example").has_value());
}

TEST_CASE("a server that takes no writes still gives what it has") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    Shared::offer(shared.a, shared.policy("example.com", 1h, 20h));
    const Interrupt interrupt;
    SharedStore reader(shared.uri + "&options=-c%20default_transaction_read_only%3Don", generous,
                       interrupt);
    CHECK(reader.changes({}, 1000).value().policies.size() == 1);
    const auto refused = reader.offer({.policies = {shared.policy("new.example", 1h, 20h)}});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().fault == Fault::read_only);
    CHECK(reader.changes({}, 1000).value().policies.size() == 1);
}

TEST_CASE("a version with another token is of another history, whatever its number") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    Shared::offer(shared.a, shared.policy("one.example", 1h, 20h));
    Shared::offer(shared.a, shared.policy("two.example", 1h, 20h));
    const FeedVersion read = shared.b.changes({}, 1000).value().upto;
    CHECK(read.version == 2);
    CHECK_FALSE(shared.b.changes(read, 1000).value().other_history);
    // A standby that had version 1 only, and has gone on to 3 since.
    shared.sql("DELETE FROM postseal_sts WHERE domain = 'two.example'");
    shared.sql("UPDATE postseal_log SET token = 'another' WHERE version = 2");
    Shared::offer(shared.a, shared.policy("three.example", 1h, 20h));
    auto changes = shared.b.changes(read, 1000).value();
    CHECK(changes.other_history);
    CHECK(changes.policies.empty());
    // So is a feed that ends before a version that this node has seen.
    CHECK(shared.b.changes({}, 1000, 4).value().other_history);
    CHECK_FALSE(shared.b.changes({}, 1000, 3).value().other_history);
    const auto log = shared.b.log_of({{1, ""}, {2, ""}, {9, ""}}).value();
    CHECK(log.size() == 2);
    // A node that does not know the token, since a version of postseal before read so far, takes
    // it.
    CHECK_FALSE(shared.b.changes({.version = 2, .token = ""}, 1000).value().other_history);
}

TEST_CASE("a write does not undo what another node wrote since it was read") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    const SharedPolicy newer = shared.policy("example.com", 1min, 20h);
    Shared::offer(shared.b, shared.policy("example.com", 3h, 20h));
    WriteStatement late("token", shared.a.server_now(), schema_version);
    late.add(std::vector<Versioned<SharedPolicy>>{{shared.policy("example.com", 2h, 20h), 1}});
    Shared::offer(shared.b, newer);
    const Interrupt interrupt;
    Postgres postgres(shared.uri, generous, interrupt);
    REQUIRE(postgres.connect().has_value());
    const auto rows = postgres.run(late.sql(), late.params());
    REQUIRE_MESSAGE(rows.has_value(), rows.error().text);
    CHECK(rows->size() == 1); // the version, and no row
    CHECK(Shared::find(shared.a, "example.com") == newer);
    // And none of another schema writes at all.
    WriteStatement old("token", shared.a.server_now(), schema_version - 1);
    old.add(std::vector<Versioned<SharedPolicy>>{{shared.policy("old.example", 2h, 20h), 0}});
    const auto nothing = postgres.run(old.sql(), old.params());
    REQUIRE_MESSAGE(nothing.has_value(), nothing.error().text);
    CHECK(nothing->size() == 0);
    CHECK_FALSE(Shared::find(shared.a, "old.example").has_value());
}

TEST_CASE("nothing is lost where every transaction is serializable") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    const std::string uri =
        shared.uri + "&options=-c%20default_transaction_isolation%3Dserializable";
    constexpr int each = 30;
    const auto write = [&](const std::string& who) {
        const Interrupt interrupt;
        SharedStore node(uri, generous, interrupt);
        REQUIRE(node.check().has_value());
        for (int i = 0; i < each; i++) {
            const Batch batch{
                .policies = {shared.policy(fmt::format("{}{}.example", who, i), 1h, 20h),
                             shared.policy("both.example", 1h - milliseconds(i), 20h)}};
            // After some attempts of its own it says so, and is asked again.
            for (auto done = node.offer(batch); !done; done = node.offer(batch))
                REQUIRE(done.error().fault == Fault::conflict);
        }
    };
    {
        std::jthread one([&] { write("a"); });
        std::jthread two([&] { write("b"); });
        std::jthread three([&] { write("c"); });
    }
    CHECK(shared.sql("SELECT count(*) FROM postseal_sts") == fmt::format("{}", 3 * each + 1));
    CHECK(shared.sql("SELECT count(*) FROM postseal_change c JOIN postseal_log l"
                     " ON l.version = c.version") == "1");
}

TEST_CASE("init from several places at once: one makes the tables, the others wait") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    for (int round = 0; round < 5; round++) {
        const std::string uri = server->new_database();
        std::atomic<int> made = 0, failed = 0;
        const auto init = [&] {
            const Interrupt interrupt;
            SharedStore store(uri, generous, interrupt);
            const auto done = store.init();
            if (!done) MESSAGE(done.error().text);
            (!done ? failed : made) += !done ? 1 : *done ? 1 : 0;
        };
        {
            std::jthread one(init), two(init), three(init);
        }
        CHECK(failed == 0);
        CHECK(made == 1);
    }
}

TEST_CASE("no clock that is ahead prunes what others need, nor any policy that is in force") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    Shared::offer(shared.a, shared.policy("held.example", 1h, 20h));
    Shared::offer(shared.a, shared.policy("old.example", 1h, 20h));
    const WallTime now = shared.a.server_now();
    // The server's clock is 400 days ahead of all that was written.
    shared.sql("UPDATE postseal_sts SET changed_at = changed_at - 400::bigint * 86400000,"
               " expires_at = expires_at - 400::bigint * 86400000");
    CHECK(shared.a.prune(24h * 30, 1000, now - 24h * 400).value() == 0);
    // This node's is ahead.
    shared.sql("UPDATE postseal_sts SET changed_at = changed_at + 400::bigint * 86400000,"
               " expires_at = expires_at + 400::bigint * 86400000");
    CHECK(shared.a.prune(24h * 30, 1000, now + 24h * 400).value() == 0);
    // Nobody has written them for long; one of them is in force.
    shared.sql("UPDATE postseal_sts SET changed_at = changed_at - 31::bigint * 86400000");
    shared.sql("UPDATE postseal_sts SET expires_at = 6 WHERE domain = 'old.example'");
    CHECK(shared.a.prune(24h * 30, 1000, now).value() == 1);
    CHECK(Shared::find(shared.b, "held.example").has_value());
}

TEST_CASE("a row with words longer than any node's keeps its policy") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    const SharedPolicy held = shared.policy("example.com", 1h, 20h);
    Shared::offer(shared.a, held);
    shared.sql("UPDATE postseal_sts SET reason = repeat('x', 2001), failures = 1");
    SharedPolicy failure{.row = {.domain = domain("example.com")}, .forgotten_at = {}};
    failure.row.failures = 3;
    failure.row.failed_id = "2";
    failure.row.failed_at = shared.b.server_now();
    failure.row.failed_by = "third";
    Shared::offer(shared.b, failure);
    const auto found = Shared::find(shared.a, "example.com");
    REQUIRE(found.has_value());
    CHECK(found->row.body == held.row.body);
    CHECK(found->row.failures == 3);
}

TEST_CASE("a policy that cannot be read is not overwritten by a row without one") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    Shared::offer(shared.a, shared.policy("example.com", 1h, 20h));
    const char* size = "SELECT length(body) FROM postseal_sts";
    SharedPolicy failure{.row = {.domain = domain("example.com")}, .forgotten_at = {}};
    failure.row.failures = 3;
    failure.row.failed_at = shared.b.server_now();
    failure.row.failed_by = "third";
    SUBCASE("too large") {
        shared.sql("UPDATE postseal_sts SET body = convert_to(repeat('x', 3000000), 'UTF8')");
        Shared::offer(shared.b, failure);
        CHECK(shared.sql(size) == "3000000");
    }
    SUBCASE("of a later version") {
        shared.sql("UPDATE postseal_sts SET body = convert_to('version: STSv2', 'UTF8')");
        Shared::offer(shared.b, failure);
        CHECK(shared.sql(size) == "14");
        CHECK(shared.sql("SELECT failures FROM postseal_sts") == "3");
    }
    // The statement itself cannot do it, either.
    WriteStatement statement("token", shared.b.server_now(), schema_version);
    const std::int64_t version = std::stoll(shared.sql("SELECT version FROM postseal_sts"));
    statement.add({Versioned<SharedPolicy>{failure, version}});
    const Interrupt interrupt;
    Postgres postgres(shared.uri, generous, interrupt);
    REQUIRE(postgres.connect().has_value());
    const auto written = postgres.run(statement.sql(), statement.params());
    REQUIRE_MESSAGE(written.has_value(), written.error().text);
    CHECK(shared.sql(size) != "0");
    // What is forgotten is gone.
    Shared::offer(shared.a, {.row = {.domain = domain("example.com")},
                             .forgotten_at = shared.a.server_now()});
    CHECK(shared.sql(size) == "0");
}

TEST_CASE("an override that is refused for its length is replaced by a later one only") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    REQUIRE(shared.a.set({.key = "k.example", .line = "k.example may"}).has_value());
    shared.sql("UPDATE postseal_override SET line = repeat('x', 2001)");
    const SharedOverride older{.key = "k.example",
                               .line = "k.example encrypt",
                               .by = "b",
                               .at = shared.b.server_now() - 1h};
    REQUIRE(shared.b.offer({.overrides = {older}}).has_value());
    CHECK(shared.sql("SELECT length(line) FROM postseal_override") == "2001");
    REQUIRE(shared.b.set({.key = "k.example", .line = "k.example secure"}).has_value());
    CHECK(shared.b.overrides().value().at(0).line == "k.example secure");
}

TEST_CASE("rows that no node writes are refused, and written over") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    Shared::offer(shared.a, shared.policy("good.example", 1h, 20h));
    const auto insert = [&](const std::string& domain, const std::string& body,
                            const std::string& reason) {
        shared.sql(fmt::format(
            "WITH c AS (UPDATE postseal_change SET version = version + 1 RETURNING version),"
            " l AS (INSERT INTO postseal_log SELECT version, 'x' || version, 0 FROM c)"
            " INSERT INTO postseal_sts SELECT {}, {}, '1', 5, 6, 0, '', '', {}, 0, 0, 0, false,"
            " 'evil', 0, 0, version FROM c",
            domain, body, reason));
    };
    insert("'large.example'", "convert_to(repeat('x', 3000000), 'UTF8')", "''");
    insert("repeat('x', 2001)", "'x'", "''");
    insert("E'a\\nb.example'", "'x'", "''");
    insert("'terminal.example'", "'x'", "E'\\x1b[2Jgone'");
    insert("'most.example'", "convert_to(repeat('x', 65536), 'UTF8')", "repeat('x', 2000)");
    const auto changes = shared.b.changes({}, 1000).value();
    CHECK(changes.refused == 3);
    CHECK(names(changes.policies) ==
          std::vector<std::string>{"good.example", "terminal.example", "most.example"});
    CHECK(changes.policies[1].row.reason == "?[2Jgone");
    CHECK(changes.upto.version == 6); // and it goes on
    CHECK_FALSE(Shared::find(shared.b, "large.example").has_value());
    const SharedPolicy mended = shared.policy("large.example", 1h, 20h);
    Shared::offer(shared.b, mended);
    CHECK(Shared::find(shared.a, "large.example") == mended);
}

TEST_CASE("a page of large policies is read in smaller ones") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    // 600 in groups of 200, each of 64 KiB: 75 MiB on the wire.
    for (int group = 0; group < 3; group++)
        shared.sql(fmt::format(
            "WITH c AS (UPDATE postseal_change SET version = version + 1 RETURNING version),"
            " l AS (INSERT INTO postseal_log SELECT version, 'x' || version, 0 FROM c)"
            " INSERT INTO postseal_sts SELECT 'd{}-' || n || '.example',"
            " convert_to(repeat('x', 65536), 'UTF8'), '1', 5, 6, 0, '', '', '', 0, 0, 0, false, '',"
            " 0, 0, version FROM c, generate_series(1, 200) n",
            group));
    FeedVersion upto;
    std::size_t read = 0;
    for (int page = 0; page < 3; page++) {
        const auto changes = shared.b.changes(upto, 1000);
        REQUIRE_MESSAGE(changes.has_value(), changes.error().text);
        upto = changes->upto;
        read += changes->policies.size();
    }
    CHECK(read == 600);
}

TEST_CASE("what met another's transaction is run again, whatever it is") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Shared shared(*server);
    // Every second write of each table fails, as servers do that order transactions by chance.
    shared.sql("CREATE SEQUENCE turns");
    shared.sql("CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$"
               " DECLARE turn bigint := nextval('turns'); BEGIN"
               " IF turn % 4 = 1 THEN RAISE EXCEPTION SQLSTATE '40001'; END IF;"
               " IF turn % 4 = 3 THEN RAISE EXCEPTION SQLSTATE '40003'; END IF;"
               " RETURN NULL; END $$");
    for (const char* what : {"INSERT OR UPDATE ON postseal_sts",
                             "INSERT OR UPDATE ON postseal_override", "INSERT ON postseal_node"})
        shared.sql(fmt::format("CREATE TRIGGER c BEFORE {} FOR EACH STATEMENT"
                               " EXECUTE FUNCTION conflict()",
                               what));
    for (int i = 0; i < 10; i++) {
        Shared::offer(shared.a, shared.policy(fmt::format("d{}.example", i), 1h, -1h));
        CHECK(shared.a.report({.id = "relay1-0001", .version = "1"}).has_value());
        CHECK(shared.a.set({.key = "k.example", .line = fmt::format("k.example may # {}", i)})
                  .has_value());
        CHECK(shared.b.lease("b", 1, 1h).has_value());
    }
    CHECK(shared.sql("SELECT count(*) FROM postseal_sts") == "10");
    CHECK(shared.b.overrides().value().at(0).line == "k.example may # 9");
}

TEST_CASE("init where every transaction is serializable, from several places at once") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    for (int round = 0; round < 5; round++) {
        const std::string uri =
            server->new_database() + "&options=-c%20default_transaction_isolation%3Dserializable";
        std::atomic<int> made = 0, failed = 0, waited = 0;
        const auto init = [&] {
            const Interrupt interrupt;
            SharedStore store(uri, generous, interrupt);
            const auto done = store.init([&] { waited++; });
            if (!done) MESSAGE(done.error().text);
            (!done ? failed : made) += !done ? 1 : *done ? 1 : 0;
        };
        {
            std::jthread one(init), two(init), three(init);
        }
        CHECK(failed == 0);
        CHECK(made == 1);
    }
}
