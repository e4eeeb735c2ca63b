// A process that saves and is killed: what it loses, and what it leaves behind.
// SPDX-License-Identifier: BSD-3-Clause
#include "async/block_on.h"
#include "store/scratch.h"
#include "store/sqlite.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <random>
#include <stdexcept>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

using Clock = std::chrono::steady_clock;

// What the child tells of each save, once it is accepted.
struct Saved {
    int number;
    Clock::time_point at;
};

std::string name_of(int round, int number) { return fmt::format("r{}-{}.example", round, number); }

// Beside what is looked for afterwards, a load that keeps SQLite moving its log into the file.
StsRow heavy_row(int number) {
    StsRow row = sts_row(fmt::format("heavy-{}.example", number % 200), number);
    row.body.assign(16'384, static_cast<char>('a' + number % 26));
    return row;
}

[[noreturn]] void save_for_ever(const std::string& path, int round, int out) {
    async::UvLoop loop;
    auto store = SqliteStore::open(loop, path, tests_clock, [](const std::string&) {});
    if (!store) ::_exit(1);
    async::Timer tick;
    for (int number = 0;; number++) {
        (*store)->save(nexthop_row(name_of(round, number), number));
        (*store)->save(sts_row("same.example", number));
        (*store)->save(heavy_row(number));
        const Saved saved{.number = number, .at = Clock::now()};
        if (::write(out, &saved, sizeof saved) != sizeof saved) ::_exit(1);
        tick.start(loop, milliseconds(2), {[](void*) {}, nullptr});
        while (tick.active())
            loop.run_once();
    }
}

// All that was saved, as told, up to the kill `after` the first save.
std::vector<Saved> save_and_kill(const std::string& path, int round, milliseconds after) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) save_for_ever(path, round, ends[1]);
    ::close(ends[1]);
    std::vector<Saved> all;
    bool killed = false;
    for (Saved saved{}; ::read(ends[0], &saved, sizeof saved) == sizeof saved;) {
        all.push_back(saved);
        if (killed || saved.at - all.front().at < after) continue;
        ::kill(child, SIGKILL);
        killed = true;
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(killed);
    REQUIRE(WIFSIGNALED(status));
    return all;
}

} // namespace

TEST_CASE("kill -9 loses the last moment and nothing older") {
    // Not to measure somebody else's use of the disk: a kill leaves the page cache whole anyway.
    const Scratch scratch(std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "");
    std::mt19937 random{std::random_device{}()};
    std::uniform_int_distribution<int> delay(1, 450);
    std::size_t max_lost = 0;
    int long_moments = 0; // rounds that lost more than 200 ms: on a machine that is busy otherwise
    for (int round = 0; round < 50; round++) {
        const milliseconds after(delay(random));
        CAPTURE(round);
        CAPTURE(after.count());
        const auto saved = save_and_kill(scratch.file(), round, after);

        auto file = DatabaseFile::open(scratch.file(), tests_clock);
        REQUIRE_MESSAGE(file.has_value(), file.error());
        CHECK((*file)->take_incidents().empty());
        int newest = -1;
        std::size_t lost = 0;
        milliseconds moment{0};
        for (const auto& [number, at] : saved) {
            const std::string name = name_of(round, number);
            const auto read = (*file)->load(domain(name), name);
            CHECK_FALSE(read.fault.has_value());
            if (read.value.nexthop) {
                CHECK(read.value.nexthop == nexthop_row(name, number));
                CHECK(newest == number - 1); // no hole: groups are written in order
                newest = number;
                continue;
            }
            lost++;
            moment = std::max(moment, std::chrono::ceil<milliseconds>(saved.back().at - at));
        }
        if (moment >= milliseconds(200)) long_moments++;
        max_lost = std::max(max_lost, lost);
        // Saved together, so written together.
        const auto same = (*file)->load(domain("same.example"), "");
        if (newest >= 0) CHECK(same.value.sts == sts_row("same.example", newest));
        file->reset();
        CHECK(sql(scratch.file(), "PRAGMA integrity_check") == "ok");
    }
    CHECK(long_moments < 25);
    CHECK(max_lost > 0); // else nothing was put to the test
}
