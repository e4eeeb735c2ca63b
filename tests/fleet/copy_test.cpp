// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/copy.h"

#include "fleet/node_id.h"
#include "fleet/postgres_server.h"
#include "store/scratch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::fleet;
using namespace postseal::test;
using namespace std::chrono_literals;

namespace {

store::Moment moment() { return {.now = now(), .confirmed = true, .boot = "b"}; }

struct Own {
    Own() {
        auto opened = store::DatabaseFile::open(scratch.file(), now);
        REQUIRE_MESSAGE(opened.has_value(), opened.error());
        file = *std::move(opened);
    }
    void learn(int n) {
        store::Batch batch;
        for (int i = 0; i < n; i++) {
            store::StsRow row = sts_row(fmt::format("d{}.example", i));
            row.origin.clear();
            row.failures = 0;
            row.failed_id = row.fault = row.reason = row.failed_by = "";
            row.failed_at = row.retry_at = WallTime{};
            row.fetched_at = now() - 1h;
            row.expires_at = now() + 24h;
            row.refresh_at = now() + 20h;
            batch.sts.put(std::move(row));
            batch.nexthops.put({.nexthop = fmt::format("d{}.example", i),
                                .dane = true,
                                .dane_seen_at = now() - 1h,
                                .verdict = "dane",
                                .row = 7,
                                .verdict_since = now() - 1h,
                                .seen_at = now() - 1h});
        }
        REQUIRE_FALSE(file->write(batch).has_value());
    }
    store::Loaded load(const std::string& name) { return file->load(domain(name), name).value; }
    Scratch scratch;
    std::unique_ptr<store::DatabaseFile> file;
};

struct Table {
    explicit Table(PostgresServer& server)
        : uri(server.new_database()), shared(uri, generous, interrupt) {
        REQUIRE(shared.init().has_value());
    }
    std::string uri;
    Interrupt interrupt;
    SharedStore shared;
};

const CopyProgress silent = [](const Copied&) {};

} // namespace

TEST_CASE("what one node's database has comes to another by way of the server") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Table table(*server);
    Own from, to;
    from.learn(450); // more than two pages
    std::size_t steps = 0;
    const auto there =
        copy_to_shared(*from.file, table.shared, moment, [&](const Copied&) { steps++; });
    CHECK(there.value() == Copied{.policies = 450, .nexthops = 450, .changed = 900});
    CHECK(steps > 4);
    CHECK(server->sql(table.uri, "SELECT count(*) FROM postseal_sts") == "450");

    const auto back = copy_from_shared(table.shared, *to.file, moment, silent);
    CHECK(back.value() == Copied{.policies = 450, .nexthops = 450, .changed = 900});
    const auto loaded = to.load("d449.example");
    REQUIRE((loaded.sts && loaded.nexthop));
    CHECK(loaded.sts->body == from.load("d449.example").sts->body);
    CHECK(loaded.sts->origin == fact(from.file->fleet_state(0).value, "node"));
    CHECK_FALSE(loaded.sts->origin.empty());
    CHECK(loaded.nexthop->dane);
    CHECK(loaded.nexthop->dane_by == loaded.sts->origin);
}

TEST_CASE("a copy that broke off is made again, and changes only what was missing") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Table table(*server);
    Own own;
    own.learn(300);
    REQUIRE(copy_to_shared(*own.file, table.shared, moment, silent).has_value());
    server->sql(table.uri, "DELETE FROM postseal_sts WHERE domain = 'd7.example'");
    server->sql(table.uri, "DELETE FROM postseal_nexthop WHERE nexthop > 'd8.example'");
    const auto missing =
        std::stoul(server->sql(table.uri, "SELECT 301 - count(*) FROM postseal_nexthop"));
    const auto again = copy_to_shared(*own.file, table.shared, moment, silent);
    CHECK(again.value() == Copied{.policies = 300, .nexthops = 300, .changed = missing});
}

TEST_CASE("a copy takes nothing away that is newer where it comes to") {
    PostgresServer* server = postgres();
    if (server == nullptr) return;
    Table table(*server);
    Own own;
    own.learn(1);
    REQUIRE(copy_to_shared(*own.file, table.shared, moment, silent).has_value());
    store::StsRow newer = *own.load("d0.example").sts;
    newer.fetched_at = now();
    newer.body = "version: STSv1\nmode: testing\nmx: mx.example.com\nmax_age: 86400\n";
    store::Batch batch;
    batch.sts.put(newer);
    REQUIRE_FALSE(own.file->write(batch).has_value());
    CHECK(copy_from_shared(table.shared, *own.file, moment, silent).value().changed == 0);
    CHECK(own.load("d0.example").sts->body == newer.body);
}

TEST_CASE("a server that is not there, and tables that are not, are told of") {
    Own own;
    const Interrupt interrupt;
    SharedStore nowhere("postgresql:///x?host=/nonexistent", generous, interrupt);
    const auto copied = copy_to_shared(*own.file, nowhere, moment, silent);
    REQUIRE_FALSE(copied.has_value());
    REQUIRE(std::holds_alternative<Error>(copied.error()));
    CHECK(std::get<Error>(copied.error()).fault == Fault::unreachable);
}
