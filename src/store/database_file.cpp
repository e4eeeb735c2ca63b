// SPDX-License-Identifier: BSD-3-Clause
#include "store/database_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace postseal::store {
namespace {

constexpr std::chrono::minutes between_moves{1};

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string user_name() {
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    const uid_t uid = ::geteuid();
    if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
        return entry.pw_name;
    return fmt::format("{}", uid);
}

std::string unusable_folder(const std::string& path, std::string_view cause) {
    return fmt::format("cannot open {}: {}; make {} writable for user {}", path, cause,
                       folder_of(path), user_name());
}

// The folder, not a file in it: nothing is left behind, and a full disk does not matter.
std::expected<int, std::string> lock_folder(const std::string& path) {
    const std::string folder = folder_of(path);
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(unusable_folder(path, std::strerror(errno)));
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    const int error = errno;
    ::close(fd);
    if (error != EWOULDBLOCK)
        return std::unexpected(fmt::format("cannot lock {}: {}", folder, std::strerror(error)));
    return std::unexpected(fmt::format("another postseald uses {}: stop it, or give this one a "
                                       "state_dir of its own",
                                       folder));
}

// NAME.corrupt-TIME, or with -2, -3 and so on if that is taken.
std::string free_name(const std::string& path, WallTime now) {
    const std::string base = fmt::format("{}.corrupt-{}", path, utc_text(now));
    std::string name = base;
    for (int n = 2; ::access(name.c_str(), F_OK) == 0; n++)
        name = fmt::format("{}-{}", base, n);
    return name;
}

} // namespace

std::string utc_text(WallTime time) {
    const std::time_t count = std::chrono::system_clock::to_time_t(time);
    std::tm utc{};
    ::gmtime_r(&count, &utc);
    return fmt::format("{:%Y%m%dT%H%M%SZ}", utc);
}

DatabaseFile::DatabaseFile(std::string path, WallClock wall_clock, int lock)
    : path_(std::move(path)), wall_clock_(std::move(wall_clock)), lock_(lock) {}

DatabaseFile::~DatabaseFile() {
    database_.reset();
    ::close(lock_);
}

std::expected<std::unique_ptr<DatabaseFile>, std::string> DatabaseFile::open(std::string path,
                                                                             WallClock wall_clock) {
    const auto lock = lock_folder(path);
    if (!lock) return std::unexpected(lock.error());
    std::unique_ptr<DatabaseFile> self(
        new DatabaseFile(std::move(path), std::move(wall_clock), *lock));
    if (const auto opened = self->open_database(); !opened) {
        const DbError& error = opened.error();
        if (error.fault == DbFault::cannot_open)
            return std::unexpected(fmt::format("{}; make {} writable for user {}", error.text,
                                               folder_of(self->path_), user_name()));
        if (error.fault == DbFault::refused) return std::unexpected(error.text);
    }
    return self;
}

DbResult<> DatabaseFile::open_database() {
    database_.reset();
    auto opened = Database::open(path_);
    if (!opened && opened.error().fault == DbFault::corrupt) {
        if (auto moved = move_aside(opened.error()); !moved) {
            fault_ = moved.error();
            return moved;
        }
        opened = Database::open(path_);
    }
    if (!opened) {
        fault_ = opened.error();
        return std::unexpected(*fault_);
    }
    database_ = std::move(*opened);
    fault_ = database_->read_only() ? std::optional(database_->not_writable()) : std::nullopt;
    return {};
}

DbResult<> DatabaseFile::move_aside(const DbError& why) {
    if (database_) database_->keep_log();
    database_.reset();
    const auto now = std::chrono::steady_clock::now();
    if (moved_aside_at_ && now - *moved_aside_at_ < between_moves)
        return std::unexpected(DbError{
            DbFault::io, fmt::format("{}, again within a minute: is the disk sound?", why.text)});
    const std::string name = free_name(path_, wall_clock_());
    for (const char* part : {"", "-wal", "-shm", "-journal"}) {
        const std::string from = path_ + part;
        if (std::rename(from.c_str(), (name + part).c_str()) == 0 || errno == ENOENT) continue;
        return std::unexpected(DbError{DbFault::io, fmt::format("{}; cannot move it aside: {}",
                                                                why.text, std::strerror(errno))});
    }
    moved_aside_at_ = now;
    incidents_.push_back(
        fmt::format("{}: moved aside as {}, a new database is begun", why.text, name));
    return {};
}

DbResult<> DatabaseFile::ensure_usable() {
    if (database_ && database_->moved()) {
        database_->drop_log();
        incidents_.push_back(fmt::format("{} was removed or replaced while in use: what is there "
                                         "now is used, or a new database begun",
                                         path_));
        return open_database();
    }
    if (!database_) return open_database();
    if (!fault_) return {};
    // A file opened for reading stays so, for this process's other connections too.
    if (fault_->fault == DbFault::read_only) return open_database();
    // After an input or output error the descriptor may be of no use. What is open still serves
    // loads if nothing better can be had.
    if (fault_->fault == DbFault::io)
        if (auto fresh = Database::open(path_)) database_ = std::move(*fresh);
    return {};
}

std::optional<DbError> DatabaseFile::write(const Batch& batch) {
    if (auto usable = ensure_usable(); !usable) return fault_;
    auto written = database_->write(batch);
    if (!written && written.error().fault == DbFault::corrupt) {
        if (auto moved = move_aside(written.error()); !moved)
            written = moved;
        else if (auto opened = open_database(); !opened)
            written = opened;
        else
            written = database_->write(batch);
    }
    fault_ = written ? std::nullopt : std::optional(written.error());
    return fault_;
}

DbResult<> DatabaseFile::read_into(Loaded& loaded, const Domain& domain,
                                   const std::string& nexthop) {
    auto sts = database_->find_sts(domain);
    if (!sts) return std::unexpected(sts.error());
    loaded.sts = std::move(*sts);
    auto known = database_->find_nexthop(nexthop);
    if (!known) return std::unexpected(known.error());
    loaded.nexthop = std::move(*known);
    return {};
}

DatabaseFile::Read<Loaded> DatabaseFile::load(const Domain& domain, const std::string& nexthop) {
    Read<Loaded> read;
    if (!database_) return read;
    auto done = read_into(read.value, domain, nexthop);
    if (!done) read.fault = after_failed_read(done.error());
    return read;
}

template <class T>
DatabaseFile::Read<T> DatabaseFile::read(std::move_only_function<DbResult<T>()> from) {
    Read<T> read;
    if (!database_) return read;
    auto got = from();
    if (got)
        read.value = std::move(*got);
    else
        read.fault = after_failed_read(got.error());
    return read;
}

DatabaseFile::Read<std::vector<RefreshDue>> DatabaseFile::next_refreshes(std::size_t most) {
    return read<std::vector<RefreshDue>>([&] { return database_->next_refreshes(most); });
}

DatabaseFile::Read<std::vector<HistoryRow>> DatabaseFile::history(const std::string& nexthop,
                                                                  std::size_t most) {
    return read<std::vector<HistoryRow>>([&] { return database_->history(nexthop, most); });
}

DatabaseFile::Read<FleetState> DatabaseFile::fleet_state(std::size_t most) {
    return read<FleetState>([&] { return database_->fleet_state(most); });
}

DatabaseFile::Read<std::vector<StsRow>> DatabaseFile::policies(const std::string& after,
                                                               std::size_t most) {
    return read<std::vector<StsRow>>([&] { return database_->policies(after, most); });
}

DatabaseFile::Read<std::vector<NexthopRow>> DatabaseFile::nexthops(const std::string& after,
                                                                   std::size_t most) {
    return read<std::vector<NexthopRow>>([&] { return database_->nexthops(after, most); });
}

std::optional<DbError> DatabaseFile::all_unshared() {
    if (auto usable = ensure_usable(); !usable) return fault_;
    if (database_->read_only()) return database_->not_writable();
    if (auto done = database_->all_unshared(); !done) return done.error();
    return std::nullopt;
}

DatabaseFile::Read<std::vector<Listed>> DatabaseFile::list(const std::string& after,
                                                           std::size_t most) {
    return read<std::vector<Listed>>([&] { return read_list(after, most); });
}

DatabaseFile::Read<std::vector<HistoryRow>> DatabaseFile::latest(HistoryRow::Kind kind,
                                                                 std::size_t most) {
    return read<std::vector<HistoryRow>>([&] { return database_->latest(kind, most); });
}

DatabaseFile::Read<std::vector<StsRow>> DatabaseFile::failing(std::size_t most) {
    return read<std::vector<StsRow>>([&] { return database_->failing(most); });
}

DatabaseFile::Read<Census> DatabaseFile::census(WallTime now) {
    return read<Census>([&] { return database_->census(now); });
}

DbResult<std::vector<Listed>> DatabaseFile::read_list(const std::string& after, std::size_t most) {
    auto nexthops = database_->nexthops(after, most);
    if (!nexthops) return std::unexpected(nexthops.error());
    std::vector<Listed> list;
    for (NexthopRow& row : *nexthops) {
        Listed& next = list.emplace_back(Listed{.nexthop = std::move(row), .sts = {}});
        const auto domain = policy_domain(next.nexthop);
        if (!domain) continue;
        auto sts = database_->find_sts(*domain);
        if (!sts) return std::unexpected(sts.error());
        next.sts = std::move(*sts);
    }
    return list;
}

// What cannot be written now shows with the next write; this can wait for a day.
bool DatabaseFile::prune(WallTime before, std::size_t keys) {
    if (!database_ || database_->read_only()) return true;
    return database_->prune(before, keys).value_or(true);
}

std::optional<DbError> DatabaseFile::clock_jumped(const ClockJump& jump) {
    if (auto usable = ensure_usable(); !usable) return fault_;
    if (database_->read_only()) return database_->not_writable();
    if (auto done = database_->clock_jumped(jump); !done) return done.error();
    return std::nullopt;
}

std::optional<DbError> DatabaseFile::after_failed_read(const DbError& error) {
    if (error.fault == DbFault::io) fault_ = error;
    if (error.fault != DbFault::corrupt) return error;
    // Begun anew, so the fault is past; what was lost is an incident.
    auto done = move_aside(error);
    if (done) done = open_database();
    if (!done) fault_ = done.error();
    return fault_;
}

std::vector<std::string> DatabaseFile::take_incidents() { return std::exchange(incidents_, {}); }

} // namespace postseal::store
