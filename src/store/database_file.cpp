// SPDX-License-Identifier: BSD-3-Clause
#include "store/database_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

namespace postseal::store {
namespace {

constexpr std::chrono::minutes between_replacements{1};
constexpr std::chrono::minutes between_checks{1}; // a large file takes seconds

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

// SQLite takes it for a new one.
bool is_empty(const std::string& path) {
    struct stat seen{};
    return ::stat(path.c_str(), &seen) == 0 && S_ISREG(seen.st_mode) && seen.st_size == 0;
}

// No file, or one that nothing was ever written to.
bool has_content(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return errno != ENOENT;
    return status.st_size > 0;
}

// Where the successor of a damaged file grows.
std::string new_name(const std::string& path) { return path + ".new"; }

void remove_new(const std::string& name) {
    for (const char* part : {"", "-wal", "-shm"})
        ::unlink((name + part).c_str());
}

struct Move {
    std::string from, to;
};
// All of those that are there, or none: half a database beside the other half's log is worse than a
// damaged one.
std::expected<void, std::string> move_all(const std::vector<Move>& moves) {
    std::vector<Move> done;
    for (const Move& move : moves) {
        const bool is_last = &move == &moves.back();
        if (std::rename(move.from.c_str(), move.to.c_str()) == 0) {
            done.push_back(move);
            continue;
        }
        const int error = errno;
        if (error == ENOENT && !is_last) continue;
        for (; !done.empty(); done.pop_back())
            std::rename(done.back().to.c_str(), done.back().from.c_str());
        return std::unexpected(
            fmt::format("cannot rename {} to {}: {}", move.from, move.to, std::strerror(error)));
    }
    return {};
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
    beside_.reset();
    reads_alone_.reset();
    database_.reset(); // the last to close takes the log into the file
    ::close(lock_);
}

std::expected<std::unique_ptr<DatabaseFile>, std::string> DatabaseFile::open(std::string path,
                                                                             WallClock wall_clock) {
    const auto lock = lock_folder(path);
    if (!lock) return std::unexpected(lock.error());
    // A process ended between the two renames of replace().
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT)
        std::rename(new_name(path).c_str(), path.c_str());
    const bool was_emptied = is_empty(path);
    std::unique_ptr<DatabaseFile> self(
        new DatabaseFile(std::move(path), std::move(wall_clock), *lock));
    if (was_emptied)
        self->incidents_.push_back(fmt::format(
            "{} is empty: what it held is lost, and a new database created", self->path_));
    if (const auto opened = self->open_database(); !opened) {
        const DbError& error = opened.error();
        if (error.fault == DbFault::cannot_open)
            return std::unexpected(fmt::format("{}; make {} writable for user {}", error.text,
                                               folder_of(self->path_), user_name()));
        if (error.fault == DbFault::refused) return std::unexpected(error.text);
    }
    return self;
}

// Whoever reads alone has no lock, so no writer may begin meanwhile; and closing a file without
// locks would take away those of the writer (fcntl(2)): it is closed before.
DbResult<std::unique_ptr<Database>> DatabaseFile::open_writer() {
    const std::lock_guard lock(alone_);
    reads_alone_.reset();
    auto opened = Database::open(path_);
    if (opened) has_writer_ = true;
    return opened;
}

DbResult<> DatabaseFile::open_database() {
    has_writer_ = false;
    database_.reset();
    auto opened = open_writer();
    // A fault of the disk may pass.
    if (!opened && opened.error().fault == DbFault::corrupt) opened = open_writer();
    if (!opened && opened.error().fault == DbFault::corrupt) {
        auto replaced = replace(opened.error());
        opened = replaced ? open_writer() : std::unexpected(replaced.error());
    }
    edition_++;
    if (!opened) {
        fault_ = opened.error();
        return std::unexpected(*fault_);
    }
    database_ = std::move(*opened);
    fault_.reset();
    return {};
}

// The damaged file stays where it is until the new one is whole: what is good of it can be read
// meanwhile, and a process that ends here finds it again.
DbResult<> DatabaseFile::replace(const DbError& why) {
    if (database_) database_->connection().keep_log();
    has_writer_ = false;
    database_.reset();
    const auto now = std::chrono::steady_clock::now();
    if (replaced_at_ && now - *replaced_at_ < between_replacements)
        return std::unexpected(DbError{
            DbFault::io, fmt::format("{}, again within a minute: is the disk sound?", why.text)});
    const auto salvaged = salvage_into_new();
    if (!salvaged)
        return std::unexpected(DbError{salvaged.error().fault,
                                       fmt::format("{}; {}", why.text, salvaged.error().text)});
    const std::string aside = free_name(path_, wall_clock_());
    const std::lock_guard lock(alone_);
    reads_alone_.reset();
    if (auto moved = move_all({{path_, aside},
                               {path_ + "-wal", aside + "-wal"},
                               {path_ + "-shm", aside + "-shm"},
                               {path_ + "-journal", aside + "-journal"},
                               {new_name(path_), path_}});
        !moved)
        return std::unexpected(
            DbError{DbFault::io, fmt::format("{}; {}", why.text, moved.error())});
    replaced_at_ = now;
    suspect_ = false;
    incidents_.push_back(fmt::format("{}: moved aside as {}, and a new database created; {}",
                                     why.text, aside, to_words(*salvaged)));
    return {};
}

DbResult<Salvaged> DatabaseFile::salvage_into_new() {
    const std::string name = new_name(path_);
    remove_new(name);
    auto fresh = Database::open(name);
    if (!fresh) return std::unexpected(fresh.error());
    auto salvaged = salvage(path_, (*fresh)->connection(), stop_);
    fresh->reset(); // its log goes into the file
    if (salvaged && stop_)
        salvaged = std::unexpected(DbError{DbFault::busy, "the repair was interrupted"});
    if (!salvaged) remove_new(name);
    return salvaged;
}

// What one read has said is not enough to give up a file for: it is opened anew and read from its
// first page to its last, and once more if that fails.
DbResult<> DatabaseFile::verify(const DbError& why) {
    suspect_ = false;
    DbResult<> sound;
    for (int round = 0; round < 2; round++) {
        has_writer_ = false;
        database_.reset();
        auto opened = open_writer();
        edition_++;
        if (opened) {
            database_ = std::move(*opened);
            fault_.reset();
            sound = database_->connection().check(stop_);
        } else {
            fault_ = opened.error();
            sound = std::unexpected(*fault_);
        }
        if (sound || sound.error().fault != DbFault::corrupt) break;
    }
    if (sound) {
        found_sound_at_ = std::chrono::steady_clock::now();
        notes_.push_back(fmt::format(
            "{}: the whole file was read again and is sound, so nothing is lost", why.text));
        return {};
    }
    if (sound.error().fault != DbFault::corrupt) {
        suspect_ = true; // it was not read to its end
        return database_ ? DbResult<>() : sound;
    }
    if (auto replaced = replace(sound.error()); !replaced) {
        suspect_ = true;
        return replaced;
    }
    return open_database();
}

DbResult<> DatabaseFile::ensure_usable() {
    if (database_ && database_->connection().moved()) {
        database_->connection().drop_log();
        incidents_.push_back(fmt::format("{} was removed or replaced while in use: what is there "
                                         "now is used, or a new database is created",
                                         path_));
        if (auto opened = open_database(); !opened) return opened;
    }
    if (!database_)
        if (auto opened = open_database(); !opened) return opened;
    const auto now = std::chrono::steady_clock::now();
    const bool asked_lately = found_sound_at_ && now - *found_sound_at_ < between_checks;
    if (suspect_ && !asked_lately)
        if (auto done = verify({DbFault::corrupt, "a read of " + path_ + " met damage"}); !done)
            return done;
    // After an input or output error the descriptor may be of no use. What is open still serves
    // if nothing better can be had.
    if (fault_ && fault_->fault == DbFault::io)
        if (auto fresh = open_writer()) database_ = std::move(*fresh);
    return {};
}

std::optional<DbError> DatabaseFile::write(const Batch& batch) {
    if (auto usable = ensure_usable(); !usable) {
        fault_ = usable.error();
        return fault_;
    }
    auto written = database_->write(batch);
    if (!written && written.error().fault == DbFault::corrupt) {
        written = verify(written.error());
        if (written) written = database_->write(batch);
    }
    fault_ = written ? std::nullopt : std::optional(written.error());
    return fault_;
}

std::optional<DbError>
DatabaseFile::change(const std::function<DbResult<>(Connection& connection)>& what) {
    auto done = ensure_usable();
    if (done) done = what(database_->connection());
    return done ? std::nullopt : std::optional(std::move(done.error()));
}

// What cannot be written now shows with the next write; this can wait for a day.
bool DatabaseFile::prune(WallTime before, std::size_t keys) {
    if (!database_) return true;
    return pruning_.step(database_->connection(), before, keys).value_or(true);
}

std::optional<DbError> DatabaseFile::clock_jumped(const ClockJump& jump) {
    auto fault = change([&](Connection& connection) { return move_times(connection, jump); });
    jumps_++;
    return fault;
}

std::vector<std::string> DatabaseFile::take_incidents() { return std::exchange(incidents_, {}); }
std::vector<std::string> DatabaseFile::take_notes() { return std::exchange(notes_, {}); }

// --- The reading thread's --------------------------------------------------------------------

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

std::optional<DbError> DatabaseFile::read(const Query& what) {
    std::optional<DbError> fault;
    for (int attempt = 0; attempt < 2; attempt++) {
        DbResult<> done;
        {
            std::unique_lock lock(alone_, std::defer_lock);
            auto from = reader(lock);
            if (from && *from == nullptr) return std::nullopt;
            done = from ? what(**from) : std::unexpected(from.error());
        }
        if (done) return std::nullopt;
        fault = std::move(done.error());
        if (fault->fault == DbFault::corrupt) suspect_ = true;
        if (fault->fault != DbFault::corrupt && fault->fault != DbFault::io) break;
        drop_readers();
    }
    return fault;
}

DatabaseFile::Read<Loaded> DatabaseFile::load(const Domain& domain, const std::string& nexthop) {
    // Each by itself: a damaged page of one table is not a reason not to read the other.
    auto sts = read<std::optional<StsRow>>([&](Database& from) { return from.find_sts(domain); });
    auto row =
        read<std::optional<NexthopRow>>([&](Database& from) { return from.find_nexthop(nexthop); });
    Read<Loaded> read{.value = {.sts = std::move(sts.value), .nexthop = std::move(row.value)},
                      .fault = sts.fault ? sts.fault : row.fault};
    if (sts.fault) read.value.sts_unread = sts.fault->text;
    if (row.fault) read.value.nexthop_unread = row.fault->text;
    return read;
}

DatabaseFile::Read<FleetState> DatabaseFile::fleet_state(std::size_t most) {
    auto state = read<FleetState>(
        [&](Database& from) { return store::fleet_state(from.connection(), most); });
    if (state.fault) state.value.unread = state.fault->text;
    return state;
}

} // namespace postseal::store
