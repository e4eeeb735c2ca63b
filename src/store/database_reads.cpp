// The reading thread's half of DatabaseFile.
// SPDX-License-Identifier: BSD-3-Clause
#include "store/database_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace postseal::store {
namespace {

// No file, or one that nothing was ever written to.
bool has_content(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return errno != ENOENT;
    return status.st_size > 0;
}

DbResult<std::vector<Listed>> list_from(Database& database, const std::string& after,
                                        std::size_t most) {
    auto nexthops = database.nexthops(after, most);
    if (!nexthops) return std::unexpected(nexthops.error());
    std::vector<Listed> list;
    for (NexthopRow& row : *nexthops) {
        Listed& next = list.emplace_back(Listed{.nexthop = std::move(row), .sts = {}});
        const auto domain = policy_domain(next.nexthop);
        if (!domain) continue;
        auto sts = database.find_sts(*domain);
        if (!sts) return std::unexpected(sts.error());
        next.sts = std::move(*sts);
    }
    return list;
}

} // namespace

DbResult<Database*> DatabaseFile::reader_alone() {
    beside_.reset();
    if (!has_content(path_)) return nullptr;
    if (!reads_alone_) {
        auto opened = Database::open_for_reading(path_, Database::Reading::alone);
        if (!opened) return std::unexpected(opened.error());
        reads_alone_ = std::move(*opened);
    }
    return reads_alone_.get();
}

DbResult<Database*> DatabaseFile::reader(std::unique_lock<std::mutex>& lock) {
    bool has_writer = has_writer_;
    if (!has_writer) {
        lock.lock();
        has_writer = has_writer_;
    }
    if (!has_writer) return reader_alone();
    if (const std::uint64_t edition = edition_; !beside_ || read_edition_ != edition) {
        auto opened = Database::open_for_reading(path_, Database::Reading::beside_writer);
        if (!opened) return std::unexpected(opened.error());
        beside_ = std::move(*opened);
        read_edition_ = edition;
    }
    return beside_.get();
}

void DatabaseFile::drop_readers() {
    beside_.reset();
    const std::lock_guard lock(alone_);
    reads_alone_.reset();
}

template <class T>
DatabaseFile::Read<T>
DatabaseFile::read(std::move_only_function<DbResult<T>(Database& from)> what) {
    Read<T> read;
    for (int attempt = 0; attempt < 2; attempt++) {
        DbResult<T> got;
        {
            std::unique_lock lock(alone_, std::defer_lock);
            auto from = reader(lock);
            if (from && *from == nullptr) return {};
            got = from ? what(**from) : std::unexpected(from.error());
        }
        if (got) {
            read.value = std::move(*got);
            read.fault.reset();
            return read;
        }
        read.fault = std::move(got.error());
        if (read.fault->fault == DbFault::corrupt) suspect_ = true;
        if (read.fault->fault != DbFault::corrupt && read.fault->fault != DbFault::io) break;
        drop_readers();
    }
    return read;
}

DatabaseFile::Read<Loaded> DatabaseFile::load(const Domain& domain, const std::string& nexthop) {
    // Each by itself: a damaged page of one table is no reason not to read the other.
    auto sts =
        read<std::optional<StsRow>>([&](Database& database) { return database.find_sts(domain); });
    auto row = read<std::optional<NexthopRow>>(
        [&](Database& database) { return database.find_nexthop(nexthop); });
    Read<Loaded> read{.value = {.sts = std::move(sts.value), .nexthop = std::move(row.value)},
                      .fault = sts.fault ? sts.fault : row.fault};
    if (sts.fault) read.value.sts_unread = sts.fault->text;
    if (row.fault) read.value.nexthop_unread = row.fault->text;
    return read;
}

DatabaseFile::Read<std::vector<RefreshDue>> DatabaseFile::next_refreshes(std::size_t most) {
    return read<std::vector<RefreshDue>>([&](Database& db) { return db.next_refreshes(most); });
}

DatabaseFile::Read<std::vector<HistoryRow>> DatabaseFile::history(const std::string& nexthop,
                                                                  std::size_t most) {
    return read<std::vector<HistoryRow>>([&](Database& db) { return db.history(nexthop, most); });
}

DatabaseFile::Read<FleetState> DatabaseFile::fleet_state(std::size_t most) {
    auto state = read<FleetState>([&](Database& db) { return db.fleet_state(most); });
    if (state.fault) state.value.unread = state.fault->text;
    return state;
}

DatabaseFile::Read<std::vector<StsRow>> DatabaseFile::policies(const std::string& after,
                                                               std::size_t most) {
    return read<std::vector<StsRow>>([&](Database& db) { return db.policies(after, most); });
}

DatabaseFile::Read<std::vector<NexthopRow>> DatabaseFile::nexthops(const std::string& after,
                                                                   std::size_t most) {
    return read<std::vector<NexthopRow>>([&](Database& db) { return db.nexthops(after, most); });
}

DatabaseFile::Read<std::vector<Listed>> DatabaseFile::list(const std::string& after,
                                                           std::size_t most) {
    return read<std::vector<Listed>>([&](Database& db) { return list_from(db, after, most); });
}

DatabaseFile::Read<std::vector<HistoryRow>> DatabaseFile::latest(HistoryRow::Kind kind,
                                                                 std::size_t most) {
    return read<std::vector<HistoryRow>>([&](Database& db) { return db.latest(kind, most); });
}

DatabaseFile::Read<std::vector<StsRow>> DatabaseFile::failing(std::size_t most) {
    return read<std::vector<StsRow>>([&](Database& db) { return db.failing(most); });
}

DatabaseFile::Read<Census> DatabaseFile::census(WallTime now) {
    return read<Census>([&](Database& db) { return db.census(now); });
}

} // namespace postseal::store
