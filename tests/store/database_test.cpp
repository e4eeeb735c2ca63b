// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"

#include "store/open_database.h"
#include "store/scratch.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <sys/stat.h>

#include <limits>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

Batch batch_of(StsRow sts, NexthopRow nexthop) {
    Batch batch;
    batch.sts.put(std::move(sts));
    batch.nexthops.put(std::move(nexthop));
    return batch;
}

} // namespace

TEST_CASE("rows come back as they were written, also from a file opened again") {
    const Scratch scratch;
    const StsRow plain = sts_row("example.com");
    StsRow odd = sts_row("odd.example");
    odd.body = std::string("\0 \xff\xfe\r\n'\"; --", 12) + std::string(65'536, 'x');
    odd.reason = "\xc3\xa9 and \xff";
    odd.failures = std::numeric_limits<std::uint32_t>::max();
    odd.fetched_at = WallTime::min();
    odd.expires_at = WallTime::max();
    const StsRow empty{.domain = domain("empty.example"),
                       .body = {},
                       .id = {},
                       .failed_id = {},
                       .fault = {},
                       .reason = {},
                       .failed_at = at(1)};
    {
        auto db = open(scratch.file());
        Batch batch = batch_of(plain, nexthop_row("[mx.example.com]:587", 0));
        batch.sts.put(odd);
        batch.sts.put(empty);
        batch.nexthops.put(nexthop_row("example.com", 1));
        REQUIRE(db->write(batch).has_value());
        CHECK(db->find_sts(plain.domain).value() == plain);
    }
    auto db = open(scratch.file());
    CHECK(db->find_sts(plain.domain).value() == plain);
    CHECK(db->find_sts(odd.domain).value() == odd);
    CHECK(db->find_sts(empty.domain).value() == empty);
    CHECK(db->find_sts(domain("sub.example.com")).value() == std::nullopt);
    CHECK(db->find_nexthop("[mx.example.com]:587").value() ==
          nexthop_row("[mx.example.com]:587", 0));
    CHECK(db->find_nexthop("example.com").value() == nexthop_row("example.com", 1));
    CHECK(db->find_nexthop("mx.example.com").value() == std::nullopt);
}

TEST_CASE("a later row takes the place of an earlier one") {
    const Scratch scratch;
    auto db = open(scratch.file());
    for (int mark = 0; mark < 3; mark++)
        REQUIRE(db->write(batch_of(sts_row("example.com", mark), nexthop_row("example.com", mark)))
                    .has_value());
    CHECK(db->find_sts(domain("example.com")).value() == sts_row("example.com", 2));
    CHECK(db->find_nexthop("example.com").value() == nexthop_row("example.com", 2));
    CHECK(sql(scratch.file(), "SELECT count(*) FROM sts") == "1");
    CHECK(sql(scratch.file(), "SELECT count(*) FROM nexthop") == "1");
}

TEST_CASE("a batch is written whole or not at all") {
    const Scratch scratch;
    auto db = open(scratch.file());
    sql(scratch.file(), "CREATE TRIGGER no BEFORE INSERT ON nexthop WHEN new.nexthop = 'bad'"
                        " BEGIN SELECT raise(ABORT, 'no'); END");
    const auto bad = batch_of(sts_row("example.com"), nexthop_row("bad"));
    CHECK_FALSE(db->write(bad).has_value());
    CHECK(db->find_sts(domain("example.com")).value() == std::nullopt);
    // And the failure leaves no transaction behind.
    REQUIRE(db->write(batch_of(sts_row("example.com"), nexthop_row("good"))).has_value());
    CHECK(db->find_sts(domain("example.com")).value() == sts_row("example.com"));
}

TEST_CASE("another program that holds the lock makes a write fail soon, and loads go on") {
    const Scratch scratch;
    auto db = open(scratch.file());
    REQUIRE(db->write(batch_of(sts_row("example.com"), nexthop_row("a"))).has_value());
    const LockHolder lock(scratch.file());
    const auto written = db->write(batch_of(sts_row("example.com", 1), nexthop_row("b")));
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().fault == DbFault::busy);
    CHECK(db->find_sts(domain("example.com")).value() == sts_row("example.com"));
}

TEST_CASE("the file is closed to others") {
    const Scratch scratch;
    const mode_t before = ::umask(0);
    open(scratch.file());
    ::umask(before);
    struct stat status{};
    REQUIRE(::stat(scratch.file().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("a file that is removed or replaced is noticed") {
    const Scratch scratch;
    auto db = open(scratch.file());
    CHECK_FALSE(db->connection().moved());
    SUBCASE("removed") {}
    SUBCASE("replaced") { write_file(scratch.file() + ".new", "x"); }
    if (::rename((scratch.file() + ".new").c_str(), scratch.file().c_str()) != 0)
        REQUIRE(::unlink(scratch.file().c_str()) == 0);
    CHECK(db->connection().moved());
}

TEST_CASE("damage is told from other faults") {
    const Scratch scratch;
    SUBCASE("not a database") { write_file(scratch.file(), std::string(8192, 'x')); }
    SUBCASE("short and not a database") { write_file(scratch.file(), "hello"); }
    SUBCASE("a table is missing") {
        open(scratch.file());
        sql(scratch.file(), "DROP TABLE nexthop");
    }
    SUBCASE("a column is missing") {
        open(scratch.file());
        sql(scratch.file(), "ALTER TABLE sts DROP COLUMN reason");
    }
    const auto opened = Database::open(scratch.file());
    REQUIRE_FALSE(opened.has_value());
    CHECK_MESSAGE(opened.error().fault == DbFault::corrupt, opened.error().text);
    CHECK(opened.error().text.contains(scratch.file()));
}

TEST_CASE("a log that cannot be asked for may be there: the file is not read without it") {
    const Scratch scratch;
    {
        REQUIRE(Database::open(scratch.file()).has_value());
    }
    CHECK(without_locks(scratch.file()).contains("immutable=1"));
    const std::string log = scratch.file() + "-wal";
    std::filesystem::create_symlink(log, log); // ELOOP
    CHECK_FALSE(without_locks(scratch.file()).contains("immutable=1"));
}

TEST_CASE("an empty file is a new one") {
    const Scratch scratch;
    write_file(scratch.file(), "");
    CHECK(open(scratch.file())->find_nexthop("x").value() == std::nullopt);
}

TEST_CASE("why a file cannot be opened") {
    const Scratch scratch;
    const auto missing = Database::open(scratch.path() + "/none/postseal.db");
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().fault == DbFault::cannot_open);
    CHECK(missing.error().text ==
          "cannot open " + scratch.path() + "/none/postseal.db: No such file or directory");
    const auto folder = Database::open(scratch.path());
    REQUIRE_FALSE(folder.has_value());
    CHECK(folder.error().fault == DbFault::cannot_open);
    CHECK(folder.error().text.ends_with(": Is a directory"));
}
