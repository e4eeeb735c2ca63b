// SPDX-License-Identifier: BSD-3-Clause
#include "store/salvage.h"

#include "store/database_file.h"
#include "store/faulty_disk.h"
#include "store/queries.h"
#include "store/scratch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

constexpr int many = 2000;
constexpr std::size_t page = 4096;

std::string name_of(int number) { return fmt::format("d{:04}.example", number); }

void fill(const std::string& path) {
    auto database = Database::open(path).value();
    Batch batch;
    for (int i = 0; i < many; i++) {
        batch.sts.put(sts_row(name_of(i), i));
        batch.nexthops.put(nexthop_row(name_of(i), i));
        batch.history.put({.nexthop = name_of(i), .at = at(i), .before = "may", .after = "dane"});
    }
    batch.fleet.put({.name = "node", .value = "relay1"});
    REQUIRE(database->write(batch).has_value());
}

void overwrite_page(const std::string& path, std::size_t number) {
    std::FILE* out = std::fopen(path.c_str(), "r+b");
    REQUIRE(out != nullptr);
    REQUIRE(std::fseek(out, static_cast<long>(number * page), SEEK_SET) == 0);
    const std::string rubbish(page, '\xa5');
    CHECK(std::fwrite(rubbish.data(), 1, rubbish.size(), out) == rubbish.size());
    CHECK(std::fclose(out) == 0);
}

// How many of the rows are there; those that are must be as they were.
struct Held {
    int policies = 0;
    int nexthops = 0;
};
Held count(Database& database) {
    Held held;
    for (int i = 0; i < many; i++) {
        const auto sts = database.find_sts(domain(name_of(i))).value();
        const auto row = database.find_nexthop(name_of(i)).value();
        if (sts && *sts == sts_row(name_of(i), i)) held.policies++;
        if (sts && *sts != sts_row(name_of(i), i)) FAIL_CHECK(name_of(i));
        if (row && *row == nexthop_row(name_of(i), i)) held.nexthops++;
    }
    return held;
}

} // namespace

TEST_CASE("a sound file is salvaged whole") {
    const Scratch scratch;
    fill(scratch.file());
    auto into = Database::open(scratch.path() + "/new.db").value();
    const std::atomic<bool> stop = false;
    const auto salvaged = salvage(scratch.file(), into->connection(), stop).value();
    CHECK(to_words(salvaged) == "2000 policy domains, 2000 nexthops and 2000 rows of history were "
                                "saved; lost: 0, 0 and 0");
    const Held held = count(*into);
    CHECK(held.policies == many);
    CHECK(held.nexthops == many);
    CHECK(fleet_state(into->connection(), 0).value().facts ==
          std::vector{FleetFact{.name = "node", .value = "relay1"}});
    // Counted by triggers, as rows that were saved one by one are.
    CHECK(census(into->connection(), at(0)).value().modes ==
          std::map<std::string, std::uint64_t>{{"enforce", many}});
}

TEST_CASE("whatever page is damaged, most rows are saved, and the lost ones are counted") {
    const Scratch scratch;
    fill(scratch.file());
    const std::string sound = read_file(scratch.file());
    const std::size_t pages = sound.size() / page;
    REQUIRE(pages > 200);
    const std::string damaged = scratch.path() + "/damaged.db";
    std::size_t worst = many;
    // Every seventh page, so that all trees and all their levels have their turn; the first three
    // hold the schema.
    for (std::size_t number = 3; number < pages; number += 7) {
        CAPTURE(number);
        write_file(damaged, sound);
        overwrite_page(damaged, number);
        const std::string fresh = scratch.path() + "/new.db";
        std::filesystem::remove(fresh);
        auto into = Database::open(fresh).value();
        const std::atomic<bool> stop = false;
        const auto salvaged = salvage(damaged, into->connection(), stop).value();
        const Held held = count(*into);
        CHECK(salvaged.policies.saved == static_cast<std::uint64_t>(held.policies));
        worst = std::min(worst, static_cast<std::size_t>(held.policies));
        if (salvaged.policies.lost)
            CHECK(*salvaged.policies.lost + salvaged.policies.saved == many);
    }
    // A leaf has 10 policies or so, an interior page the way to more than a hundred leaves.
    MESSAGE("policies saved in the worst case: ", worst, " of ", many);
    CHECK(worst > 0);
}

TEST_CASE("of a file that cannot be opened, or read now, there are not no rows") {
    const Scratch scratch;
    fill(scratch.file());
    const std::atomic<bool> stop = false;
    {
        auto into = Database::open(scratch.path() + "/new.db").value();
        CHECK_FALSE(salvage(scratch.path() + "/gone.db", into->connection(), stop).has_value());
    }
    FaultyDisk disk;
    auto into = Database::open(scratch.path() + "/other.db").value();
    const auto into_rows = [&] { return count(*into).policies; };
    for (const int sound : {0, 1}) { // the header at opening it, or its schema after that
        CAPTURE(sound);
        disk.sound_reads = sound;
        disk.failing_reads = 1'000'000;
        const auto failed = salvage(scratch.file(), into->connection(), stop);
        disk.failing_reads = 0;
        REQUIRE_FALSE(failed.has_value());
        CHECK(failed.error().text.contains(sound == 0 ? "cannot open" : "cannot read"));
    }
    CHECK(into_rows() == 0);
    CHECK(salvage(scratch.file(), into->connection(), stop).value().policies.saved == many);
}

TEST_CASE("a salvage that is stopped ends early") {
    const Scratch scratch;
    fill(scratch.file());
    auto into = Database::open(scratch.path() + "/new.db").value();
    const std::atomic<bool> stop = true;
    const auto salvaged = salvage(scratch.file(), into->connection(), stop).value();
    CHECK(salvaged.policies.saved == 0);
}
