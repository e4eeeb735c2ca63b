// SQLite that gets no memory: an error that passes, and nothing that was written is lost.
// SPDX-License-Identifier: BSD-3-Clause
#include "store/database.h"
#include "store/database_file.h"

#include "store/queries.h"
#include "store/scratch.h"
#include "store/upkeep.h"
#include "support/no_memory.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

sqlite3_mem_methods usual;

// Must be told before SQLite is used for the first time.
const bool hooked = [] {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
    sqlite3_mem_methods ours = usual;
    ours.xMalloc = [](int size) { return NoMemory::refuses() ? nullptr : usual.xMalloc(size); };
    ours.xRealloc = [](void* old, int size) {
        return NoMemory::refuses() ? nullptr : usual.xRealloc(old, size);
    };
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK;
}();

Batch some_rows() {
    Batch batch;
    for (int n = 0; n < 20; n++) {
        const std::string name = "d" + std::to_string(n) + ".example";
        batch.sts.put(sts_row(name, n));
        batch.nexthops.put(nexthop_row(name, n));
    }
    return batch;
}

// Such a file would be moved aside, or the daemon would not start.
template <class Result> void check_that_it_passes(const Result& result) {
    if (result) return;
    CHECK(result.error().fault != DbFault::corrupt);
    CHECK(result.error().fault != DbFault::refused);
    CHECK_FALSE(result.error().text.empty());
}

bool write_without(std::size_t nth, NoMemory::Then then) {
    const Scratch scratch;
    const Domain name = domain("d7.example");
    bool happened = false;
    bool written = false;
    {
        const NoMemory none(nth, then);
        auto opened = Database::open(scratch.file());
        check_that_it_passes(opened);
        if (opened) {
            const auto done = (*opened)->write(some_rows());
            check_that_it_passes(done);
            written = done.has_value();
            const auto found = (*opened)->find_sts(name);
            check_that_it_passes(found);
            if (found && written) CHECK(found->has_value());
            check_that_it_passes(census((*opened)->connection(), now()));
            check_that_it_passes((*opened)->next_refreshes(9));
            check_that_it_passes(Pruning().step((*opened)->connection(), now(), 5));
        }
        happened = none.happened();
    }
    auto again = Database::open(scratch.file());
    REQUIRE_MESSAGE(again.has_value(), again.error().text);
    if (written) CHECK((*again)->find_sts(name).value().has_value());
    REQUIRE((*again)->write(some_rows()).has_value());
    again->reset();
    CHECK(sql(scratch.file(), "PRAGMA integrity_check") == "ok");
    return happened;
}

} // namespace

TEST_CASE("SQLite gets no memory at any one moment") {
    REQUIRE(hooked);
    NoMemory::at_each([](std::size_t n) { return write_without(n, NoMemory::Then::there_is); });
}

TEST_CASE("SQLite gets no memory from any moment on") {
    NoMemory::at_each([](std::size_t n) { return write_without(n, NoMemory::Then::never_again); });
}

TEST_CASE("a file that SQLite had no memory for is not moved aside") {
    const Scratch scratch;
    auto opened = DatabaseFile::open(scratch.file(), tests_clock);
    REQUIRE_MESSAGE(opened.has_value(), opened.error());
    DatabaseFile& file = **opened;
    REQUIRE_FALSE(file.write(some_rows()).has_value());
    NoMemory::at_each([&](std::size_t n) {
        Batch batch;
        batch.sts.put(sts_row("late.example", static_cast<int>(n)));
        {
            const NoMemory none(n, NoMemory::Then::never_again);
            const bool failed = file.write(batch).has_value();
            CHECK(failed == none.happened());
            if (!failed) return false;
        }
        CHECK_FALSE(file.write(batch).has_value());
        CHECK(file.load(domain("late.example"), "").value.sts ==
              sts_row("late.example", static_cast<int>(n)));
        return true;
    });
    CHECK(std::ranges::none_of(scratch.names(),
                               [](const std::string& name) { return name.contains("corrupt"); }));
}
