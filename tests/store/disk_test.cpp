// The store on a disk that is full or may only be read. Each case runs in a child with a small file
// system of its own, and returns what was wrong, or nothing.
// SPDX-License-Identifier: BSD-3-Clause
#include "async/block_on.h"
#include "store/child.h"
#include "store/scratch.h"
#include "store/sqlite.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace postseal;
using namespace postseal::store;
using namespace postseal::test;

namespace {

#define EXPECT(condition)                                                                          \
    if (!(condition)) return fmt::format("line {}: {}; {}", __LINE__, #condition, world.said())

struct World {
    explicit World(std::string in) : folder(std::move(in)) {}

    std::string folder;
    async::UvLoop loop;
    std::vector<std::string> log;
    std::unique_ptr<SqliteStore> store;

    bool start() {
        store.reset();
        auto opened =
            SqliteStore::open(loop, folder + "/postseal.db", tests_clock,
                              [this](std::string text) { log.push_back(std::move(text)); });
        if (opened)
            store = std::move(*opened);
        else
            log.push_back(opened.error());
        return store != nullptr;
    }
    void flush() { async::block_on(loop, store->flush()); }
    Loaded load(const std::string& name) {
        return async::block_on(loop, store->load(domain(name), name));
    }
    bool holds(const std::string& name) { return load(name).nexthop == nexthop_row(name); }
    bool degraded() { return store->status().degraded; }
    bool recovers() {
        const MonoTime end = loop.now() + milliseconds(10'000);
        while (degraded() && loop.now() < end)
            loop.run_once(); // the retry's timer ends each turn
        return !degraded();
    }
    [[nodiscard]] std::string said() const {
        std::string all = store ? store->status().reason : "no store";
        for (const auto& line : log)
            all += "\n  " + line;
        return all;
    }
    // As a rival for the disk would: till not an octet is left.
    void fill_disk() const {
        std::ofstream out(folder + "/ballast", std::ios::binary);
        for (std::size_t block : {4096, 512, 1}) {
            out.clear();
            while (out.write(std::string(block, 'x').data(), static_cast<std::streamsize>(block)) &&
                   out.flush()) {
            }
        }
    }
    void free_disk() const { std::filesystem::remove(folder + "/ballast"); }
};

void run(const std::function<std::string(World&)>& body) {
    const Scratch scratch;
    const auto wrong = with_own_disk(scratch.path(), 1 << 20, [&] {
        World world(scratch.path());
        return body(world);
    });
    if (!wrong) return skipped("cannot mount a file system of our own");
    CHECK(*wrong == "");
}

// More than the log's free space takes.
void save_much(World& world) {
    StsRow row = sts_row("big.example");
    row.body.assign(60'000, 'x');
    world.store->save(row);
    world.store->save(nexthop_row("new.example"));
}

std::string full_while_in_use(World& world) {
    EXPECT(world.start());
    world.store->save(nexthop_row("old.example"));
    world.flush();
    world.fill_disk();
    save_much(world);
    world.flush();
    EXPECT(world.degraded());
    EXPECT(world.store->status().reason.contains("disk is full"));
    EXPECT(world.store->status().reason.contains("2 rows wait in memory"));
    EXPECT(world.holds("old.example") && world.holds("new.example"));
    world.free_disk();
    EXPECT(world.recovers());
    EXPECT(world.start());
    EXPECT(world.holds("old.example") && world.holds("new.example"));
    EXPECT(world.load("big.example").sts.has_value());
    return "";
}

// As left by kill -9: rows in the log only.
bool leave_log(World& world) {
    const std::string file = world.folder + "/postseal.db";
    for (const char* part : {"", "-wal", "-shm"})
        std::filesystem::copy_file(file + part, world.folder + "/copy" + part);
    world.store.reset();
    for (const char* part : {"", "-wal", "-shm"})
        std::filesystem::rename(world.folder + "/copy" + part, file + part);
    return std::filesystem::file_size(file + "-wal") > 0;
}

enum class Left { nothing, file, log };

std::string full_at_start(World& world, Left left) {
    const bool has_file = left != Left::nothing;
    if (has_file) {
        EXPECT(world.start());
        world.store->save(nexthop_row("old.example"));
        world.store->save(sts_row("old.example"));
        world.flush();
        if (left == Left::log) {
            EXPECT(leave_log(world));
            std::filesystem::remove(world.folder + "/postseal.db-shm"); // as after a power cut
        }
        world.store.reset();
    }
    world.fill_disk();
    EXPECT(world.start());
    EXPECT(world.load("old.example").sts_unread.empty());
    EXPECT(world.load("old.example").sts.has_value() == has_file);
    EXPECT(world.holds("old.example") == has_file);
    // A fetch that fails now is not a reason to forget the policy, now or once there is room.
    world.store->save(StsRow{.domain = domain("old.example"), .failures = 1});
    EXPECT(!has_file || !world.load("old.example").sts->body.empty());
    save_much(world);
    world.flush();
    EXPECT(world.degraded());
    EXPECT(world.holds("new.example"));
    world.free_disk();
    EXPECT(world.recovers());
    EXPECT(world.start());
    EXPECT(!world.degraded());
    EXPECT(world.holds("new.example"));
    EXPECT(world.holds("old.example") == has_file);
    EXPECT(!has_file || !world.load("old.example").sts->body.empty());
    return "";
}

std::string read_only_at_start(World& world, bool with_log) {
    EXPECT(world.start());
    world.store->save(nexthop_row("old.example"));
    world.flush();
    if (with_log) EXPECT(leave_log(world));
    world.store.reset();
    EXPECT(set_read_only(world.folder, true));
    EXPECT(world.start());
    EXPECT(world.degraded());
    EXPECT(world.store->status().reason.contains("read-only"));
    EXPECT(world.holds("old.example"));
    world.store->save(nexthop_row("new.example"));
    world.flush();
    EXPECT(world.degraded());
    EXPECT(world.holds("new.example") && world.holds("old.example"));
    EXPECT(set_read_only(world.folder, false));
    EXPECT(world.recovers());
    EXPECT(world.start());
    EXPECT(!world.degraded());
    EXPECT(world.holds("new.example") && world.holds("old.example"));
    return "";
}

std::string read_only_and_no_file(World& world) {
    EXPECT(set_read_only(world.folder, true));
    EXPECT(!world.start());
    EXPECT(world.log.size() == 1);
    EXPECT(world.log[0].starts_with("cannot open " + world.folder +
                                    "/postseal.db: Read-only file system; make " + world.folder +
                                    " writable for user "));
    return "";
}

std::string damaged_and_read_only(World& world) {
    write_file(world.folder + "/postseal.db", std::string(9000, 'x'));
    EXPECT(set_read_only(world.folder, true));
    EXPECT(world.start());
    EXPECT(world.degraded());
    EXPECT(world.store->status().reason.contains("read-only"));
    EXPECT(world.load("old.example").sts_unread.contains("file is not a database"));
    world.store->save(nexthop_row("new.example"));
    world.flush();
    EXPECT(world.holds("new.example"));
    EXPECT(set_read_only(world.folder, false));
    world.flush();
    EXPECT(world.store->status().reason.contains("moved aside as"));
    EXPECT(world.load("old.example") == Loaded{});
    EXPECT(world.start());
    EXPECT(!world.degraded());
    EXPECT(world.holds("new.example"));
    return "";
}

constexpr uid_t nobody = 65'534;

bool set_modes(const World& world, mode_t folder, mode_t file) {
    return ::chmod(world.folder.c_str(), folder) == 0 &&
           ::chmod((world.folder + "/postseal.db").c_str(), file) == 0;
}

// All is the daemon's own, so that its modes are what counts.
std::string not_writable(World& world, mode_t folder, mode_t file) {
    EXPECT(::chown(world.folder.c_str(), nobody, nobody) == 0);
    EXPECT(::seteuid(nobody) == 0);
    EXPECT(world.start());
    world.store->save(nexthop_row("old.example"));
    world.store.reset();
    EXPECT(set_modes(world, folder, file));
    EXPECT(world.start());
    EXPECT(world.holds("old.example"));
    world.store->save(nexthop_row("new.example"));
    world.flush();
    EXPECT(world.degraded());
    EXPECT(world.holds("new.example") && world.holds("old.example"));
    EXPECT(set_modes(world, 0755, 0640));
    EXPECT(world.recovers());
    EXPECT(world.start());
    EXPECT(!world.degraded());
    EXPECT(world.holds("new.example") && world.holds("old.example"));
    return "";
}

} // namespace

TEST_CASE("a disk that becomes full") { run(full_while_in_use); }

TEST_CASE("a disk that is full at start") {
    SUBCASE("and no file") {
        run([](World& world) { return full_at_start(world, Left::nothing); });
    }
    SUBCASE("and a file") {
        run([](World& world) { return full_at_start(world, Left::file); });
    }
    SUBCASE("and a file, and its log of a process that was killed") {
        run([](World& world) { return full_at_start(world, Left::log); });
    }
}

TEST_CASE("a file system that may only be read") {
    SUBCASE("closed cleanly") {
        run([](World& world) { return read_only_at_start(world, false); });
    }
    SUBCASE("with a log") {
        run([](World& world) { return read_only_at_start(world, true); });
    }
    SUBCASE("and no file") { run(read_only_and_no_file); }
    SUBCASE("and a damaged file") { run(damaged_and_read_only); }
}

TEST_CASE("modes that forbid the daemon's user to write") {
    SUBCASE("to the folder") {
        run([](World& world) { return not_writable(world, 0555, 0640); });
    }
    SUBCASE("to the file") {
        run([](World& world) { return not_writable(world, 0755, 0440); });
    }
    SUBCASE("to either") {
        run([](World& world) { return not_writable(world, 0555, 0440); });
    }
}
