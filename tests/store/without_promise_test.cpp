// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"

#include "store/open_database.h"
#include "store/queries.h"
#include "store/scratch.h"
#include "store/upkeep.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

// As if so many names that promise nothing were there.
void pretend(const std::string& path, std::size_t count) {
    sql(path, fmt::format("UPDATE census SET n = {} WHERE what = 'without-promise'", count));
}

NexthopRow nexthop(const std::string& name, const std::string& verdict, bool dane = false,
                   WallTime seen_at = at(1)) {
    return {.nexthop = name,
            .dane = dane,
            .dane_seen_at = at(1),
            .verdict = verdict,
            .row = 13,
            .verdict_since = at(1),
            .seen_at = seen_at};
}

StsRow failure(const std::string& name) {
    return {.domain = domain(name),
            .failures = 1,
            .failed_id = "1",
            .fault = "connect",
            .failed_at = at(1),
            .retry_at = at(2)};
}

HistoryRow change(const std::string& name, int time, const std::string& before,
                  const std::string& after) {
    return {.nexthop = name, .at = at(time), .before = before, .after = after, .row = 5};
}

template <class Row> void write(Database& db, const Row& row) {
    Batch batch;
    if constexpr (std::is_same_v<Row, StsRow>)
        batch.sts.put(row);
    else if constexpr (std::is_same_v<Row, NexthopRow>)
        batch.nexthops.put(row);
    else
        batch.history.put(row);
    REQUIRE(db.write(batch).has_value());
}

std::string counted(const std::string& path, const std::string& kind) {
    return sql(path,
               "SELECT n FROM census WHERE what = 'without-promise' AND kind = '" + kind + "'");
}

bool has(Database& db, const std::string& name) {
    return db.find_nexthop(name).value().has_value();
}

} // namespace

TEST_CASE("names that promise nothing are counted as rows come, change and go") {
    const Scratch scratch;
    auto db = open(scratch.file());
    write(*db, nexthop("a.example", "may"));
    write(*db, nexthop("b.example", "tempfail"));
    write(*db, nexthop("c.example", "dane", true));
    write(*db, nexthop("d.example", "enforce"));
    CHECK(counted(scratch.file(), "nexthop") == "2");
    write(*db, nexthop("a.example", "enforce"));
    write(*db, nexthop("c.example", "may"));
    write(*db, nexthop("d.example", "may"));
    CHECK(counted(scratch.file(), "nexthop") == "3");
    write(*db, NexthopRow{.nexthop = "b.example", .verdict = {}});
    CHECK(counted(scratch.file(), "nexthop") == "2");

    write(*db, failure("a.example"));
    write(*db, sts_row("b.example"));
    CHECK(counted(scratch.file(), "sts") == "1");
    write(*db, sts_row("a.example"));
    CHECK(counted(scratch.file(), "sts") == "0");
    write(*db, StsRow{.domain = domain("a.example")});
    CHECK(counted(scratch.file(), "sts") == "0");
    CHECK(census(db->connection(), at(1)).value().verdicts ==
          std::map<std::string, std::uint64_t>{{"enforce", 1}, {"may", 2}});
}

TEST_CASE("over the bound a new name that promises nothing is not written") {
    const Scratch scratch;
    {
        auto db = open(scratch.file());
        write(*db, nexthop("known.example", "may"));
        write(*db, failure("known.example"));
    }
    pretend(scratch.file(), max_without_promise);
    auto db = open(scratch.file());
    for (const char* verdict : {"may", "dane", "tempfail", "override may", ""}) {
        const std::string name = fmt::format("new{}.example", verdict[0] ? verdict[0] : '0');
        write(*db, nexthop(name, verdict));
        CHECK_MESSAGE(!has(*db, name), verdict);
    }
    write(*db, failure("new.example"));
    CHECK_FALSE(db->find_sts(domain("new.example")).value());
    // A name that was there goes on, a promise is always kept.
    write(*db, nexthop("known.example", "tempfail"));
    CHECK(db->find_nexthop("known.example").value()->verdict == "tempfail");
    write(*db, failure("known.example"));
    write(*db, nexthop("dane.example", "dane-only", true));
    write(*db, nexthop("sts.example", "enforce"));
    write(*db, sts_row("sts.example"));
    CHECK(has(*db, "dane.example"));
    CHECK(has(*db, "sts.example"));
    CHECK(db->find_sts(domain("sts.example")).value());
    // And once it was one, it goes on without.
    write(*db, nexthop("dane.example", "may"));
    CHECK(db->find_nexthop("dane.example").value()->verdict == "may");
    db.reset();
    pretend(scratch.file(), max_without_promise - 1);
    db = open(scratch.file());
    write(*db, nexthop("newer.example", "may"));
    CHECK(has(*db, "newer.example"));
}

TEST_CASE("of a name that never promised anything the newest changes are kept") {
    const Scratch scratch;
    auto db = open(scratch.file());
    write(*db, nexthop("a.example", "may"));
    write(*db, nexthop("dane.example", "dane", true));
    write(*db, nexthop("was.example", "may"));
    write(*db, change("was.example", 1, "enforce", "may"));
    for (int i = 2; i < 20; i++)
        for (const char* name : {"a.example", "dane.example", "was.example"})
            write(*db, change(name, i, i % 2 == 0 ? "may" : "tempfail",
                              i % 2 == 0 ? "tempfail" : "may"));
    const auto history = history_of(db->connection(), "a.example", 99).value();
    REQUIRE(history.size() == max_history_without_promise);
    CHECK(history.front().at == at(19));
    CHECK(history.back().at == at(16));
    CHECK(history_of(db->connection(), "dane.example", 99).value().size() == 18);
    CHECK(history_of(db->connection(), "was.example", 99).value().size() == 19);
}

TEST_CASE("when half of the places are taken they are given back sooner") {
    const WallTime long_ago = at(0) + std::chrono::days(10);
    const WallTime lately = at(0) + pruned_sooner + std::chrono::days(1);
    for (const bool crowded : {false, true}) {
        const Scratch scratch;
        {
            auto db = open(scratch.file());
            write(*db, nexthop("old.example", "may", false, long_ago));
            write(*db, nexthop("lately.example", "may", false, lately));
            write(*db, nexthop("dane.example", "dane-only", true, long_ago));
            for (const char* name : {"old.example", "lately.example", "dane.example"})
                write(*db, change(name, 1'000'000, "may", "tempfail"));
        }
        pretend(scratch.file(), max_without_promise / 2 + (crowded ? 3 : 0));
        auto db = open(scratch.file());
        Pruning pruning;
        while (!pruning.step(db->connection(), at(5), 100).value()) {
        }
        CHECK(has(*db, "old.example") == !crowded);
        CHECK(history_of(db->connection(), "old.example", 9).value().empty() == crowded);
        for (const char* name : {"lately.example", "dane.example"}) {
            CHECK(has(*db, name));
            CHECK(history_of(db->connection(), name, 9).value().size() == 1);
        }
    }
}
