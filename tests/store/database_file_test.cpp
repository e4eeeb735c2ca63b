// SPDX-License-Identifier: BSD-3-Clause
#include "store/database_file.h"

#include "store/scratch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

const Domain example = domain("example.com");

std::unique_ptr<DatabaseFile> open(const Scratch& scratch) {
    auto opened = DatabaseFile::open(scratch.file(), tests_clock);
    REQUIRE_MESSAGE(opened.has_value(), opened.error());
    return std::move(*opened);
}

Batch batch_of(int mark = 0) {
    Batch batch;
    batch.sts.put(sts_row("example.com", mark));
    batch.nexthops.put(nexthop_row("example.com", mark));
    return batch;
}

DbError fault_of(std::optional<DbError> written) {
    CHECK(written.has_value());
    return std::move(written).value_or(DbError{DbFault::refused, "no fault"});
}

void check_holds(DatabaseFile& file, int mark = 0) {
    const auto read = file.load(example, "example.com");
    CHECK_FALSE(read.fault.has_value());
    CHECK(read.value.sts == sts_row("example.com", mark));
    CHECK(read.value.nexthop == nexthop_row("example.com", mark));
}

void check_holds_nothing(DatabaseFile& file) {
    const auto read = file.load(example, "example.com");
    CHECK_FALSE(read.fault.has_value());
    CHECK_FALSE(read.value.sts.has_value());
    CHECK_FALSE(read.value.nexthop.has_value());
}

// Returns what was said of the rows.
std::string check_moved_aside(DatabaseFile& file, const Scratch& scratch) {
    const std::string aside = scratch.path() + "/" + corrupt_name;
    const auto incidents = file.take_incidents();
    REQUIRE(incidents.size() == 1);
    CAPTURE(incidents[0]);
    const std::string moved =
        fmt::format(": moved aside as {}, and a new database created; ", aside);
    const auto found = incidents[0].find(moved);
    REQUIRE(found != std::string::npos);
    CHECK(std::filesystem::exists(aside));
    return incidents[0].substr(found + moved.size());
}

// Not read is not absent.
void check_cannot_read(DatabaseFile& file, std::string_view why) {
    const auto read = file.load(example, "example.com");
    CHECK(read.fault.has_value());
    CHECK_MESSAGE(read.value.sts_unread.contains(why), read.value.sts_unread);
    CHECK_MESSAGE(read.value.nexthop_unread.contains(why), read.value.nexthop_unread);
}

// Many rows, all in the file itself: no log.
void fill(const Scratch& scratch) {
    auto file = open(scratch);
    Batch batch = batch_of();
    for (int i = 0; i < 500; i++) {
        batch.sts.put(sts_row(fmt::format("a{}.example", i)));
        batch.nexthops.put(nexthop_row(fmt::format("a{}.example", i)));
    }
    REQUIRE_FALSE(file->write(batch).has_value());
}

void overwrite(const std::string& path, std::size_t from, std::size_t to) {
    std::string octets = read_file(path);
    REQUIRE(octets.size() > from);
    for (std::size_t i = from; i < std::min(to, octets.size()); i++)
        octets[i] = static_cast<char>(0xa5 ^ i);
    // In place: the open descriptors see it too.
    std::FILE* out = std::fopen(path.c_str(), "r+b");
    REQUIRE(out != nullptr);
    CHECK(std::fwrite(octets.data(), 1, octets.size(), out) == octets.size());
    CHECK(std::fclose(out) == 0);
}

constexpr std::size_t page = 4096;
constexpr std::size_t whole = 1 << 30;

} // namespace

TEST_CASE("a database is still there when opened again, and nothing lies beside it") {
    const Scratch scratch;
    CHECK_FALSE(open(scratch)->write(batch_of()).has_value());
    CHECK(scratch.names() == std::vector<std::string>{"postseal.db"});
    auto file = open(scratch);
    check_holds(*file);
    CHECK(file->take_incidents().empty());
    CHECK_FALSE(file->fault().has_value());
}

TEST_CASE("a file damaged before start is moved aside with its log, and a new one begun") {
    const Scratch scratch;
    fill(scratch);
    SUBCASE("not a database") { write_file(scratch.file(), std::string(9000, 'x')); }
    SUBCASE("its head overwritten") { overwrite(scratch.file(), 0, 100); }
    SUBCASE("its first page overwritten") { overwrite(scratch.file(), 100, page); }
    SUBCASE("cut in its first page") { std::filesystem::resize_file(scratch.file(), 1000); }
    const std::string damaged = read_file(scratch.file());
    write_file(scratch.file() + "-wal", "log");
    auto file = open(scratch);
    CHECK(check_moved_aside(*file, scratch) ==
          "0 policy domains, 0 nexthops and 0 rows of history were saved; lost: an unknown number, "
          "an unknown number and an unknown number");
    CHECK(read_file(scratch.path() + "/" + corrupt_name) == damaged);
    CHECK(std::filesystem::exists(scratch.path() + "/" + corrupt_name + "-wal"));
    check_holds_nothing(*file);
    CHECK_FALSE(file->write(batch_of(1)).has_value());
    check_holds(*file, 1);
}

TEST_CASE("damage found while in use: moved aside, and the next write goes to the new file") {
    const Scratch scratch;
    fill(scratch);
    auto file = open(scratch);
    SUBCASE("by a load, all pages but the first overwritten") {
        overwrite(scratch.file(), page, whole);
        check_cannot_read(*file, "malformed");
    }
    SUBCASE("by a load, cut after the first page") {
        std::filesystem::resize_file(scratch.file(), page);
        check_cannot_read(*file, "malformed");
    }
    SUBCASE("by a write") { overwrite(scratch.file(), page, whole); }
    CHECK_FALSE(file->write(batch_of(1)).has_value());
    check_moved_aside(*file, scratch);
    check_holds(*file, 1);
    file.reset();
    check_holds(*open(scratch), 1);
}

TEST_CASE("a damaged file that cannot be moved aside with its log stays, both of them") {
    const Scratch scratch;
    fill(scratch);
    const std::string damaged =
        "This is not a database, and it is longer than a header is, so it is damage.";
    write_file(scratch.file(), damaged);
    write_file(scratch.file() + "-wal", "its log");
    const std::string in_the_way = scratch.path() + "/" + corrupt_name + "-wal";
    std::filesystem::create_directories(in_the_way + "/full");
    {
        const auto file = open(scratch);
        CHECK(fault_of(file->write(batch_of(1))).text.contains("cannot rename"));
        CHECK(file->take_incidents().empty());
        CHECK(read_file(scratch.file()) == damaged);
        CHECK(read_file(scratch.file() + "-wal") == "its log");
        CHECK_FALSE(std::filesystem::exists(scratch.path() + "/" + corrupt_name));
    }
    std::filesystem::remove_all(in_the_way);
    const auto file = open(scratch);
    [[maybe_unused]] const auto words = check_moved_aside(*file, scratch);
    CHECK_FALSE(file->write(batch_of(1)).has_value());
    check_holds(*file, 1);
}

TEST_CASE("an empty file is a new one, and that it held something is not ruled out") {
    const Scratch scratch;
    write_file(scratch.file(), "");
    auto file = open(scratch);
    CHECK(file->take_incidents() ==
          std::vector<std::string>{scratch.file() +
                                   " is empty: what it held is lost, and a new database created"});
    check_holds_nothing(*file);
}

TEST_CASE("files are moved aside once a minute at most, each under a name of its own") {
    const Scratch scratch;
    write_file(scratch.path() + "/" + corrupt_name, "an earlier one");
    fill(scratch);
    auto file = open(scratch);
    overwrite(scratch.file(), page, whole);
    CHECK_FALSE(file->write(batch_of(1)).has_value());
    CHECK(std::filesystem::exists(scratch.path() + "/" + corrupt_name + "-2"));
    CHECK(read_file(scratch.path() + "/" + corrupt_name) == "an earlier one");
    CHECK(file->take_incidents().size() == 1);

    file.reset();
    write_file(scratch.file(), std::string(9000, 'x'));
    file = open(scratch);
    CHECK(file->take_incidents().size() == 1);
    write_file(scratch.file(), std::string(9000, 'y'));
    write_file(scratch.file() + "-wal", "");
    CHECK(fault_of(file->write(batch_of(2))).text.contains("again within a minute"));
    CHECK(file->fault().has_value());
    check_cannot_read(*file, scratch.file());
    CHECK(file->take_incidents().empty());
}

TEST_CASE("a file that was removed is begun anew, one that was replaced is used") {
    const Scratch scratch;
    auto file = open(scratch);
    CHECK_FALSE(file->write(batch_of(1)).has_value());
    SUBCASE("removed") {
        std::filesystem::remove(scratch.file());
        CHECK_FALSE(file->write(Batch()).has_value());
        check_holds_nothing(*file);
    }
    SUBCASE("removed with its log") {
        for (const auto& name : scratch.names())
            std::filesystem::remove(scratch.path() + "/" + name);
        CHECK_FALSE(file->write(Batch()).has_value());
        check_holds_nothing(*file);
    }
    SUBCASE("replaced") {
        const Scratch other;
        CHECK_FALSE(open(other)->write(batch_of(7)).has_value());
        std::filesystem::copy_file(other.file(), scratch.file() + ".restored");
        std::filesystem::rename(scratch.file() + ".restored", scratch.file());
        CHECK_FALSE(file->write(Batch()).has_value());
        check_holds(*file, 7);
    }
    const auto incidents = file->take_incidents();
    REQUIRE(incidents.size() == 1);
    CHECK(incidents[0].starts_with(scratch.file() + " was removed or replaced while in use"));
    CHECK_FALSE(file->write(batch_of(2)).has_value());
    file.reset();
    check_holds(*open(scratch), 2);
}

TEST_CASE("a second daemon is refused with a sentence, and admitted once the first is gone") {
    const Scratch scratch;
    auto first = open(scratch);
    const auto second = DatabaseFile::open(scratch.file(), tests_clock);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error() == "another postseald uses " + scratch.path() +
                                ": stop it, or give this one a state_dir of its own");
    first.reset();
    CHECK(DatabaseFile::open(scratch.file(), tests_clock).has_value());
}

TEST_CASE("why a daemon must not start") {
    const Scratch scratch;
    std::string path = scratch.file();
    std::string sentence;
    SUBCASE("no such folder") {
        path = scratch.path() + "/none/postseal.db";
        sentence = fmt::format("cannot open {}: No such file or directory; make {}/none writable "
                               "for user ",
                               path, scratch.path());
    }
    SUBCASE("a folder has the file's name") {
        std::filesystem::create_directory(path);
        sentence = fmt::format("cannot open {}: Is a directory; make ", path);
    }
    SUBCASE("a newer version") {
        open(scratch);
        sql(path, "PRAGMA user_version = 10");
        sentence = fmt::format("{} has schema version 10, this postseal knows ", path);
    }
    const auto opened = DatabaseFile::open(path, tests_clock);
    REQUIRE_FALSE(opened.has_value());
    CHECK_MESSAGE(opened.error().starts_with(sentence), opened.error());
}

TEST_CASE("no fault of another program's lock is taken for damage") {
    const Scratch scratch;
    auto file = open(scratch);
    {
        const LockHolder lock(scratch.file());
        CHECK(fault_of(file->write(batch_of())).fault == DbFault::busy);
    }
    CHECK_FALSE(file->write(batch_of()).has_value());
    CHECK(file->take_incidents().empty());
    check_holds(*file);
}
