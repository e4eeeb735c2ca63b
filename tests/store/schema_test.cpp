// SPDX-License-Identifier: BSD-3-Clause
#include "store/schema.h"

#include "store/database.h"
#include "store/queries.h"
#include "store/scratch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

constexpr auto newest = "ALTER TABLE nexthop ADD COLUMN note TEXT NOT NULL DEFAULT 'none';"
                        "UPDATE nexthop SET note = 'known since ' || seen_at;";

std::vector<SchemaStep> steps(std::size_t count) {
    const auto first = schema_steps().first(count);
    return {first.begin(), first.end()};
}

void make(const std::string& path, std::span<const SchemaStep> steps) {
    REQUIRE(Database::open(path, steps).has_value());
}

// A file of that version with these rows, as today's postseal opens it.
std::unique_ptr<Database> brought_up_to_date(const Scratch& scratch, std::size_t version,
                                             const std::string& rows) {
    std::string all;
    for (const SchemaStep& step : steps(version))
        all += step.sql;
    all += fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", application_id,
                       version);
    sql(scratch.file(), all + rows);
    auto opened = Database::open(scratch.file());
    REQUIRE_MESSAGE(opened.has_value(), opened.error().text);
    return *std::move(opened);
}

std::string plan_of(const std::string& path, const std::string& query) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    std::string plan;
    const auto add = [](void* to, int, char** values, char**) {
        *static_cast<std::string*>(to) += fmt::format("{}\n", values[3]);
        return 0;
    };
    sqlite3_exec(db, ("EXPLAIN QUERY PLAN " + query).c_str(), add, &plan, nullptr);
    sqlite3_close(db);
    return plan;
}

} // namespace

TEST_CASE("a new file has today's version and our mark") {
    const Scratch scratch;
    make(scratch.file(), schema_steps());
    CHECK(sql(scratch.file(), "PRAGMA user_version") == fmt::format("{}", schema_steps().size()));
    CHECK(sql(scratch.file(), "PRAGMA application_id") == fmt::format("{}", application_id));
    CHECK(sql(scratch.file(), "PRAGMA journal_mode") == "wal");
}

TEST_CASE("an older version is brought up to date and keeps its rows") {
    const Scratch scratch;
    make(scratch.file(), schema_steps());
    sql(scratch.file(), "INSERT INTO nexthop VALUES ('example.com', 1, 17, '', 0, 0, 17, '')");
    auto newer = steps(8);
    newer.push_back({newest});
    make(scratch.file(), newer);
    CHECK(sql(scratch.file(), "PRAGMA user_version") == "9");
    CHECK(sql(scratch.file(), "SELECT note FROM nexthop") == "known since 17");
    // A second time there is nothing to do: the step would fail.
    make(scratch.file(), newer);
    CHECK(sql(scratch.file(), "SELECT note FROM nexthop") == "known since 17");
}

TEST_CASE("a file goes through all steps at once, each in its own transaction") {
    const Scratch scratch;
    auto broken = steps(2);
    broken.push_back({"DROP TABLE sts; DROP TABLE no_such_table;"});
    const auto opened = Database::open(scratch.file(), broken);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().text.contains("schema version 3"));
    CHECK(sql(scratch.file(), "PRAGMA user_version") == "2");
    CHECK(sql(scratch.file(), "SELECT count(*) FROM sts") == "0"); // dropped, and rolled back
}

TEST_CASE("version 1 to 2: every policy gets a day for its refresh, other rows none") {
    const Scratch scratch;
    const auto opened = brought_up_to_date(
        scratch, 1,
        "INSERT INTO sts VALUES ('held.example', CAST('version: STSv1' AS BLOB), 'a',"
        " 1000, 9000, 2, 'b', 'status', '404', 5, 6);"
        "INSERT INTO sts VALUES ('failed.example', x'', '', 0, 0, 1,"
        " 'a', 'connect', 'refused', 7, 8);");
    const StsRow held{.domain = domain("held.example"),
                      .body = "version: STSv1",
                      .id = "a",
                      .fetched_at = at(1000),
                      .expires_at = at(9000),
                      .failures = 2,
                      .failed_id = "b",
                      .fault = "status",
                      .reason = "404",
                      .failed_at = at(5),
                      .retry_at = at(6),
                      .refresh_at = at(86'401'000)};
    CHECK(opened->find_sts(held.domain).value() == held);
    CHECK(opened->find_sts(domain("failed.example")).value()->refresh_at == std::nullopt);
    CHECK(opened->next_refreshes(9).value() ==
          std::vector{RefreshDue{held.domain, held.refresh_at.value()}});
}

TEST_CASE("version 2 to 3: what is remembered of DANE stays") {
    const Scratch scratch;
    const auto opened =
        brought_up_to_date(scratch, 2, "INSERT INTO dane VALUES ('[mx.example]:587', 1, 17)");
    CHECK(opened->find_nexthop("[mx.example]:587").value() ==
          NexthopRow{.nexthop = "[mx.example]:587",
                     .dane = true,
                     .dane_seen_at = at(17),
                     .seen_at = at(17)});
    CHECK(history_of(opened->connection(), "[mx.example]:587", 9).value().empty());
}

TEST_CASE("version 3 to 4: what is already there is counted") {
    const Scratch scratch;
    const auto opened = brought_up_to_date(
        scratch, 3,
        "INSERT INTO nexthop VALUES ('a.example', 1, 17, 'dane-only', 6, 0, 17),"
        " ('b.example', 0, 17, 'override secure match=x', 1, 0, 17),"
        " ('c.example', 0, 17, 'override may', 1, 0, 17), ('d.example', 0, 17, '', 0, 0, 17);"
        "INSERT INTO sts VALUES ('a.example', CAST('version: STSv1\nmode: testing\n'"
        " AS BLOB), 'a', 1, 9, 0, '', '', '', 0, 0, 5, 0),"
        " ('b.example', CAST('version: STSv1\nmode: enforce\n' AS BLOB), 'a', 1, 9, 0,"
        " '', '', '', 0, 0, 0, 0), ('c.example', x'', '', 0, 0, 3, 'x', 'y', 'z', 7, 8,"
        " 0, 0)");
    CHECK(census(opened->connection(), at(5)).value() ==
          Census{.modes = {{"testing", 1}},
                 .verdicts = {{"", 1}, {"dane-only", 1}, {"override", 2}},
                 .failing = 1,
                 .due = 1});
    CHECK(failing_policies(opened->connection(), 9).value().size() == 1);
}

TEST_CASE("version 4 to 5: policies stay, fetched by this node, and nothing waits to be shared") {
    const Scratch scratch;
    const auto opened = brought_up_to_date(
        scratch, 4,
        "INSERT INTO sts VALUES ('a.example', CAST('version: STSv1' AS BLOB), 'a', 1, 9,"
        " 0, '', '', '', 0, 0, 5, 0, 'enforce')");
    CHECK(opened->find_sts(domain("a.example")).value()->origin.empty());
    const FleetState state = fleet_state(opened->connection(), 9).value();
    CHECK(state.facts.empty());
    CHECK(state.unshared_in_all == 0);
}

TEST_CASE("version 5 to 6: failures and DANE stay, found out by this node") {
    const Scratch scratch;
    const auto opened = brought_up_to_date(
        scratch, 5,
        "INSERT INTO sts VALUES ('a.example', x'', '', 0, 0, 3, 'x', 'y', 'z', 7, 8, 0,"
        " 0, '', '');"
        "INSERT INTO nexthop VALUES ('a.example', 1, 17, 'dane-only', 6, 0, 17)");
    const auto failed = opened->find_sts(domain("a.example")).value();
    REQUIRE(failed.has_value());
    CHECK(failed->failures == 3);
    CHECK(failed->failed_by.empty());
    const auto nexthop = opened->find_nexthop("a.example").value();
    REQUIRE(nexthop.has_value());
    CHECK(nexthop->dane);
    CHECK(nexthop->dane_by.empty());
}

TEST_CASE("version 6 to 7: policies stay, as old as the wall clock says") {
    const Scratch scratch;
    const auto opened = brought_up_to_date(
        scratch, 6,
        "INSERT INTO sts VALUES ('a.example', CAST('version: STSv1' AS BLOB), 'a', 1, 9,"
        " 0, '', '', '', 0, 0, 5, 0, 'enforce', '', '')");
    CHECK(opened->find_sts(domain("a.example")).value()->age == Age{});
}

TEST_CASE("what lies too far ahead at a start is found by an index, not by a scan") {
    const Scratch scratch;
    make(scratch.file(), schema_steps());
    const std::pair<const char*, const char*> all[] = {
        {"UPDATE sts SET refresh_at = ?1 WHERE refresh_at <> 0 AND refresh_at > ?1",
         "INDEX sts_by_refresh"},
        {"UPDATE sts SET refresh_at = ?1 WHERE failures <> 0 AND failed_at > ?2 AND"
         " refresh_at > ?1",
         "INDEX sts_by_failure"}};
    for (const auto& [query, index] : all) {
        const std::string plan = plan_of(scratch.file(), query);
        CHECK_MESSAGE(plan.contains(index), plan);
    }
}

TEST_CASE("version 7 to 8: names that promise nothing are counted") {
    const Scratch scratch;
    const auto opened = brought_up_to_date(
        scratch, 7,
        "INSERT INTO sts VALUES ('a.example', x'', '', 0, 0, 3, 'x', 'y', 'z', 7, 8, 0, 0, '', '',"
        " '', '', 0, 0, 0, 1);"
        "INSERT INTO nexthop VALUES ('a.example', 0, 17, 'may', 13, 0, 17, '');"
        "INSERT INTO nexthop VALUES ('b.example', 1, 17, 'may', 6, 0, 17, '');"
        "INSERT INTO nexthop VALUES ('c.example', 0, 17, 'enforce', 13, 0, 17, '')");
    for (const char* kind : {"nexthop", "sts"})
        CHECK(sql(scratch.file(), fmt::format("SELECT n FROM census WHERE what ="
                                              " 'without-promise' AND kind = '{}'",
                                              kind)) == "1");
}

TEST_CASE("what the status page asks is read from an index, not by a scan") {
    const Scratch scratch;
    make(scratch.file(), schema_steps());
    const std::pair<const char*, const char*> all[] = {
        {"SELECT body FROM sts WHERE failures <> 0 ORDER BY failed_at DESC LIMIT 9",
         "INDEX sts_by_failure"},
        {"SELECT count(*) FROM sts WHERE failures <> 0", "INDEX sts_by_failure"},
        {"SELECT 1 FROM sts WHERE refresh_at <> 0 AND refresh_at <= 7 LIMIT 9",
         "INDEX sts_by_refresh"},
        {"SELECT reasons FROM history WHERE kind = 1 ORDER BY at DESC LIMIT 9",
         "INDEX history_by_time"}};
    for (const auto& [query, index] : all) {
        const std::string plan = plan_of(scratch.file(), query);
        CHECK_MESSAGE(plan.contains(index), plan);
        CHECK_MESSAGE(!plan.contains("TEMP B-TREE"), plan);
    }
}

TEST_CASE("what is due next is read from an index, not by a scan") {
    const Scratch scratch;
    make(scratch.file(), schema_steps());
    const std::string plan =
        plan_of(scratch.file(), "SELECT domain, refresh_at FROM sts WHERE refresh_at <> 0"
                                " ORDER BY refresh_at, domain LIMIT 9");
    CHECK_MESSAGE(plan.contains("COVERING INDEX sts_by_refresh"), plan);
    CHECK_MESSAGE(!plan.contains("TEMP B-TREE"), plan);
}

TEST_CASE(
    "a file of any older version that cannot be written is read as it would be once it could") {
    // The next one, too: a column more, and a table.
    std::vector<SchemaStep> next = steps(schema_steps().size());
    next.push_back({"ALTER TABLE sts ADD COLUMN note TEXT NOT NULL DEFAULT 'none';"
                    "CREATE TABLE later (name TEXT PRIMARY KEY NOT NULL) STRICT;"});
    for (std::size_t version = 1; version < next.size(); version++) {
        CAPTURE(version);
        const Scratch scratch;
        std::string all;
        for (std::size_t i = 0; i < version; i++) {
            all += next.at(i).sql;
            if (i == 0)
                all += "INSERT INTO sts VALUES ('held.example', CAST('version: STSv1' AS BLOB), "
                       "'7', 100, 200, 2,"
                       " '8', 'tls', 'why', 150, 160), ('failed.example', x'', '', 0, 0, 1, '9',"
                       " 'http', 'no', 151, 160);"
                       "INSERT INTO dane VALUES ('held.example', 1, 1000);";
            if (i == 2)
                all += "INSERT INTO nexthop VALUES ('other.example', 0, 5, 'may', 3, 6, 7);"
                       "INSERT INTO history VALUES ('other.example', 6, 0, '', 'may', 3, 'why');";
        }
        sql(scratch.file(), fmt::format("{}PRAGMA application_id = {}; PRAGMA user_version = {};",
                                        all, application_id, version));
        auto alone = Database::open_for_reading(scratch.file(), Database::Reading::alone, next);
        REQUIRE_MESSAGE(alone.has_value(), alone.error().text);
        const auto policies = policies_after((*alone)->connection(), "", 9).value();
        const auto nexthops = nexthops_after((*alone)->connection(), "", 9).value();
        const auto due = (*alone)->next_refreshes(9).value();
        const auto failing = failing_policies((*alone)->connection(), 9).value();
        const auto history = history_of((*alone)->connection(), "other.example", 9).value();
        CHECK(fleet_state((*alone)->connection(), 9).value().facts.empty());
        CHECK(census((*alone)->connection(), at(0)).has_value());
        CHECK((*alone)->find_sts(domain("held.example")).value() == policies.at(1));
        alone->reset();
        CHECK(sql(scratch.file(), "PRAGMA user_version") == fmt::format("{}", version));

        const auto writer = Database::open(scratch.file(), next);
        REQUIRE(writer.has_value());
        CHECK(policies == policies_after((*writer)->connection(), "", 9).value());
        CHECK(nexthops == nexthops_after((*writer)->connection(), "", 9).value());
        CHECK(due == (*writer)->next_refreshes(9).value());
        CHECK(failing == failing_policies((*writer)->connection(), 9).value());
        CHECK(history == history_of((*writer)->connection(), "other.example", 9).value());
    }
}

TEST_CASE("a newer version is refused and not touched") {
    const Scratch scratch;
    make(scratch.file(), schema_steps());
    sql(scratch.file(), "PRAGMA journal_mode = DELETE; PRAGMA user_version = 10");
    const std::string before = read_file(scratch.file());
    const auto opened = Database::open(scratch.file());
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().fault == DbFault::refused);
    CHECK(opened.error().text ==
          scratch.file() + " has schema version 10, this postseal knows 8 at most: run the newer "
                           "postseal, or move the file away to start afresh");
    CHECK(read_file(scratch.file()) == before);
}

TEST_CASE("another program's database is refused and not touched") {
    const Scratch scratch;
    const auto statements = {"CREATE TABLE mail (x)", "PRAGMA application_id = 7",
                             "PRAGMA user_version = 1"};
    for (const std::string statement : statements) {
        CAPTURE(statement);
        const std::string path = fmt::format("{}/{}.db", scratch.path(), statement.size());
        sql(path, statement);
        const std::string before = read_file(path);
        const auto opened = Database::open(path);
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().fault == DbFault::refused);
        CHECK(opened.error().text.starts_with(path + " is the database of another program"));
        CHECK(read_file(path) == before);
    }
}

TEST_CASE("a version below nought is damage") {
    const Scratch scratch;
    make(scratch.file(), schema_steps());
    sql(scratch.file(), "PRAGMA user_version = -1");
    const auto opened = Database::open(scratch.file());
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().fault == DbFault::corrupt);
}
