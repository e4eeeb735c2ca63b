// SPDX-License-Identifier: BSD-3-Clause
#include "store/sqlite.h"

#include "async/thread_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <future>
#include <initializer_list>
#include <utility>
#include <variant>

namespace postseal::store {
namespace {

// Half of what may be lost by a crash: the other half is for the disk.
constexpr milliseconds group_delay{50};
constexpr std::size_t group_weight = 4 << 20; // so much is not worth waiting for more
constexpr milliseconds first_retry{1'000};
constexpr milliseconds last_retry{60'000};
constexpr milliseconds calm_after{10'000}; // the last failed read
constexpr std::size_t sts_limit = 32 << 20;
constexpr std::size_t nexthop_limit = 8 << 20;
constexpr std::size_t history_limit = 8 << 20;
constexpr std::size_t unshared_limit = 8 << 20;
constexpr std::size_t written_limit = 32 << 20;          // kept for reads that have not ended
constexpr milliseconds dane_life = std::chrono::days(7); // engine/nexthop_notes.cpp
constexpr auto no_room = "it found no room in memory while nothing could be written";
constexpr std::size_t pruned_at_once = 1000; // keys: about a millisecond

// Nothing that may lie below it would show.
bool is_whole(const std::optional<StsRow>& row) {
    return row && (row->replaces || is_blank(*row) || !row->body.empty());
}
bool is_whole(const std::optional<NexthopRow>& row) {
    return row && (row->replaces || is_blank(*row) || (row->dane_seen_at && !row->verdict.empty()));
}

// The newer row is the upper one.
template <class Row> void lay_under(std::optional<Row>& upper, const Row& lower) {
    upper = upper ? over(*std::move(upper), lower) : lower;
}

template <class Row> void show(std::optional<Row>& row, std::string& unread) {
    if (is_whole(row)) unread.clear();
    if (!row) return;
    row->replaces = false;
    if (is_blank(*row)) row.reset();
}

Loaded as_shown(Loaded loaded) {
    show(loaded.sts, loaded.sts_unread);
    show(loaded.nexthop, loaded.nexthop_unread);
    return loaded;
}

} // namespace

// co_await AttemptEnded(store, n): the n-th attempt to write has ended.
class SqliteStore::AttemptEnded : public async::Link {
  public:
    AttemptEnded(SqliteStore& store, std::uint64_t attempt) : store_(store), attempt_(attempt) {}
    bool await_ready() const noexcept { return store_.ended_ >= attempt_; }
    void await_suspend(std::coroutine_handle<> h) {
        waiter_ = h;
        store_.waiting_for_.push_back(*this);
    }
    void await_resume() const noexcept {}
    [[nodiscard]] std::uint64_t attempt() const { return attempt_; }
    void wake() {
        unlink();
        ready_.post(store_.loop_, async::Callback::resume(waiter_));
    }

  private:
    SqliteStore& store_;
    std::uint64_t attempt_;
    async::Ready ready_;
    std::coroutine_handle<> waiter_;
};

// While it lives, what is written is kept, for its reader may not have seen it.
class SqliteStore::Reading {
  public:
    explicit Reading(SqliteStore& store)
        : store_(store), begun_(store.readings_.insert(store.ended_)) {}
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading() {
        store_.readings_.erase(begun_);
        store_.drop_what_is_read();
    }
    [[nodiscard]] std::uint64_t since() const { return *begun_; }
    // So much was written that not all of it was kept: it must be read again.
    [[nodiscard]] bool must_repeat() const { return since() < store_.not_kept_; }

  private:
    SqliteStore& store_;
    std::multiset<std::uint64_t>::iterator begun_;
};

std::expected<std::unique_ptr<SqliteStore>, std::string>
SqliteStore::open(async::UvLoop& loop, std::string path, DatabaseFile::WallClock wall_clock,
                  Log log) {
    auto file = DatabaseFile::open(std::move(path), wall_clock);
    if (!file) return std::unexpected(file.error());
    return std::unique_ptr<SqliteStore>(
        new SqliteStore(loop, std::move(*file), std::move(wall_clock), std::move(log)));
}

SqliteStore::SqliteStore(async::UvLoop& loop, std::unique_ptr<DatabaseFile> file,
                         DatabaseFile::WallClock wall_clock, Log log)
    : loop_(loop), wall_clock_(std::move(wall_clock)), log_(std::move(log)),
      file_(std::move(file)) {
    note_incidents(file_->take_incidents());
    if (file_->fault()) {
        note(write_trouble_, file_->fault());
        try_again_later();
    }
    writer_ = std::make_unique<async::Worker>(loop);
    writer_->post([] { async::name_this_thread("store"); });
    reader_ = std::make_unique<async::Worker>(loop);
    reader_->post([] { async::name_this_thread("store reads"); });
    writers_ = std::make_unique<async::Group>(loop);
}

SqliteStore::~SqliteStore() {
    writers_.reset();
    file_->stop();
    reader_.reset();
    writer_.reset();
    // Joined: the file is this thread's now. What was in flight may have been written; once more
    // does no harm.
    restore_unwritten();
    if (pending_.empty()) return;
    const auto fault = file_->write(pending_);
    note_incidents(file_->take_incidents());
    if (fault) log_(fmt::format("{}; {} rows are lost", fault->text, pending_.size()));
}

void SqliteStore::save(StsRow row) {
    if (is_blank(row) || !row.body.empty()) lost_policies_.drop(row.domain.name());
    pending_.sts.put(std::move(row));
    accepted();
}

void SqliteStore::save(NexthopRow row) {
    if (is_blank(row) || row.dane_seen_at) lost_dane_.drop(row.nexthop);
    pending_.nexthops.put(std::move(row));
    accepted();
}

void SqliteStore::save(HistoryRow row) {
    pending_.history.put(std::move(row));
    accepted();
}

void SqliteStore::save(Unshared row) {
    pending_.unshared.put(std::move(row));
    accepted();
}

void SqliteStore::save(FleetFact fact) {
    pending_.fleet.put(std::move(fact));
    accepted();
}

void SqliteStore::accepted() {
    // While writing works there is no limit: what waits is on its way to the disk.
    if (retry_.count() > 0) {
        shrink_pending();
        return;
    }
    if (pending_.weight() >= group_weight)
        write_soon();
    else if (!timer_.active())
        write_after(group_delay);
}

void SqliteStore::write_after(milliseconds delay) {
    timer_.start(loop_, delay,
                 {[](void* self) { static_cast<SqliteStore*>(self)->write_soon(); }, this});
}

void SqliteStore::write_soon() {
    if (in_flight_)
        due_ = true;
    else
        begin_write();
}

void SqliteStore::begin_write() {
    timer_.stop();
    due_ = false;
    in_flight_ = std::make_shared<Batch>(std::exchange(pending_, {}));
    in_flight_jumps_ = jumped_;
    begun_++;
    writers_->start(write(in_flight_));
}

async::Task<> SqliteStore::write(std::shared_ptr<const Batch> batch) {
    std::move_only_function<Written()> job = [file = file_.get(), batch = std::move(batch)] {
        Written written{.fault = file->write(*batch), .incidents = {}, .notes = {}};
        written.incidents = file->take_incidents();
        written.notes = file->take_notes();
        return written;
    };
    auto written = co_await writer_->call<Written>(std::move(job));
    settle(std::move(written));
}

void SqliteStore::settle(Written written) {
    ended_++;
    note_incidents(std::move(written.incidents));
    for (std::string& text : written.notes)
        log_(std::move(text));
    note(write_trouble_, written.fault);
    if (written.fault) {
        try_again_later();
        restore_unwritten();
    } else {
        keep_for_readers();
        in_flight_.reset();
        retry_ = milliseconds(0);
        dropped_ = 0;
        if (!pending_.empty() && !timer_.active()) write_after(group_delay);
    }
    drop_what_is_read();
    while (!waiting_for_.empty()) {
        auto& first = static_cast<AttemptEnded&>(waiting_for_.first());
        if (first.attempt() > ended_) break;
        first.wake();
    }
    if (due_) begin_write();
}

void SqliteStore::keep_for_readers() {
    if (readings_.empty()) return;
    written_.push_back({.attempt = ended_, .jumps = in_flight_jumps_, .batch = in_flight_});
    written_weight_ += in_flight_->weight();
    while (written_weight_ > written_limit) {
        not_kept_ = written_.front().attempt;
        written_weight_ -= written_.front().batch->weight();
        written_.pop_front();
    }
}

void SqliteStore::drop_what_is_read() {
    while (!written_.empty() &&
           (readings_.empty() || written_.front().attempt <= *readings_.begin())) {
        written_weight_ -= written_.front().batch->weight();
        written_.pop_front();
    }
    if (readings_.empty() && !in_flight_ && moving_ == 0) jumps_.clear();
}

StsRow SqliteStore::moved(StsRow row, std::uint64_t jumps) const {
    for (const Jump& jump : jumps_)
        if (jump.number > jumps) row = rescheduled(std::move(row), jump.jump);
    return row;
}

void SqliteStore::restore_unwritten() {
    if (in_flight_ && jumped_ > in_flight_jumps_) {
        const auto rows = std::exchange(in_flight_->sts, {});
        for (const StsRow& row : rows.rows())
            in_flight_->sts.put(moved(row, in_flight_jumps_));
    }
    if (in_flight_) pending_.put_older(std::move(*in_flight_));
    in_flight_.reset();
    if (retry_.count() > 0) shrink_pending();
}

void SqliteStore::shrink_pending() {
    const auto note = [this](const auto& row) { note_lost(row); };
    dropped_ += pending_.sts.shrink(sts_limit, note) +
                pending_.nexthops.shrink(nexthop_limit, note) +
                pending_.history.shrink(history_limit) + pending_.unshared.shrink(unshared_limit);
}

void SqliteStore::note_lost(const StsRow& row) {
    if (held_mode(row) != mtasts::Mode::enforce) return;
    const MonoTime now = loop_.now();
    lost_policies_.add(row.domain.name(), now, now + (row.expires_at - row.fetched_at));
}

void SqliteStore::note_lost(const NexthopRow& row) {
    const MonoTime now = loop_.now();
    if (row.dane) lost_dane_.add(row.nexthop, now, now + dane_life);
}

void SqliteStore::show_lost(const Domain& domain, const std::string& nexthop,
                            Loaded& loaded) const {
    const MonoTime now = loop_.now();
    const bool no_policy = !loaded.sts || loaded.sts->body.empty();
    if (lost_policies_.has(domain.name(), now) || (no_policy && lost_policies_.may_have_any(now)))
        loaded.sts_unread = no_room;
    const bool no_dane = !loaded.nexthop || !loaded.nexthop->dane_seen_at;
    if (lost_dane_.has(nexthop, now) || (no_dane && lost_dane_.may_have_any(now)))
        loaded.nexthop_unread = no_room;
}

void SqliteStore::try_again_later() {
    retry_ = std::clamp(retry_ * 2, first_retry, last_retry);
    write_after(retry_);
}

async::Task<> SqliteStore::flush() {
    if (!pending_.empty()) {
        write_soon();
        const std::uint64_t attempt = due_ ? begun_ + 1 : begun_;
        co_await AttemptEnded(*this, attempt);
    } else if (in_flight_) {
        co_await AttemptEnded(*this, begun_);
    }
}

std::vector<SqliteStore::WrittenBatch> SqliteStore::newer(std::uint64_t since) const {
    std::vector<WrittenBatch> batches;
    if (in_flight_)
        batches.push_back({.attempt = begun_, .jumps = in_flight_jumps_, .batch = in_flight_});
    for (auto one = written_.rbegin(); one != written_.rend() && one->attempt > since; ++one)
        batches.push_back(*one);
    return batches;
}

Loaded SqliteStore::waiting(const Domain& domain, const std::string& nexthop,
                            std::uint64_t since) const {
    Loaded loaded;
    const auto add = [&](const Batch& batch, std::uint64_t jumps) {
        if (const StsRow* row = batch.sts.find(domain.name()); row != nullptr)
            lay_under(loaded.sts, moved(*row, jumps));
        if (const NexthopRow* row = batch.nexthops.find(nexthop); row != nullptr)
            lay_under(loaded.nexthop, *row);
    };
    add(pending_, jumped_);
    for (const WrittenBatch& one : newer(since))
        add(*one.batch, one.jumps);
    return loaded;
}

template <class T> async::Task<T> SqliteStore::read(From<T> from) {
    std::move_only_function<DatabaseFile::Read<T>()> job =
        [file = file_.get(), from = std::move(from)]() mutable { return from(*file); };
    auto read = co_await reader_->call<DatabaseFile::Read<T>>(std::move(job));
    if (read.fault)
        note_failed_read(*read.fault);
    else if (file_->needs_check() && !timer_.active())
        write_after(group_delay); // that read succeeded when it was tried again
    co_return std::move(read.value);
}

// What is read while a jump ends is read again: nobody knows whether it shows it.
template <class T> struct SqliteStore::AfterJumps {
    T value{};
    std::uint64_t jumps = 0;

    template <class Read>
    static DatabaseFile::Read<AfterJumps> read(DatabaseFile& file, Read from) {
        for (;;) {
            const std::uint64_t jumps = file.jumps();
            auto read = from();
            if (file.jumps() == jumps)
                return {.value = {.value = std::move(read.value), .jumps = jumps},
                        .fault = read.fault};
        }
    }
};

async::Task<Loaded> SqliteStore::load(Domain policy_domain, std::string nexthop_key) {
    Loaded saved = waiting(policy_domain, nexthop_key, ended_);
    if (is_whole(saved.sts) && is_whole(saved.nexthop)) co_return as_shown(std::move(saved));
    for (;;) {
        const Reading reading(*this);
        From<AfterJumps<Loaded>> from = [policy_domain, nexthop_key](DatabaseFile& file) {
            return AfterJumps<Loaded>::read(file,
                                            [&] { return file.load(policy_domain, nexthop_key); });
        };
        AfterJumps<Loaded> got = co_await read(std::move(from));
        if (reading.must_repeat()) continue;
        Loaded newest = waiting(policy_domain, nexthop_key, reading.since());
        if (got.value.sts) lay_under(newest.sts, moved(*std::move(got.value.sts), got.jumps));
        if (got.value.nexthop) lay_under(newest.nexthop, *got.value.nexthop);
        newest.sts_unread = std::move(got.value.sts_unread);
        newest.nexthop_unread = std::move(got.value.nexthop_unread);
        show_lost(policy_domain, nexthop_key, newest);
        co_return as_shown(std::move(newest));
    }
}

async::Task<std::vector<RefreshDue>> SqliteStore::next_refreshes(std::size_t most) {
    using Due = std::vector<RefreshDue>;
    for (;;) {
        const Reading reading(*this);
        // A row in the file counts for nothing when a newer one waits: so many more may be needed.
        const std::size_t wait = pending_.sts.rows().size() +
                                 (in_flight_ ? in_flight_->sts.rows().size() : std::size_t{0});
        From<AfterJumps<Due>> from = [most, wait](DatabaseFile& file) {
            return AfterJumps<Due>::read(file, [&] {
                return file.read<Due>([&](Database& db) { return db.next_refreshes(most + wait); });
            });
        };
        AfterJumps<Due> got = co_await read(std::move(from));
        const bool has_more = got.value.size() == most + wait;
        for (RefreshDue& due : got.value)
            due.at = moved({.domain = due.domain, .refresh_at = due.at}, got.jumps)
                         .refresh_at.value_or(due.at);
        Due next = with_waiting(std::move(got.value), most, reading.since());
        // What was saved while it was read took the places of others.
        if (reading.must_repeat() || (has_more && next.size() < most)) continue;
        co_return next;
    }
}

async::Task<> SqliteStore::run(Archive::Job job) {
    using Nothing = std::monostate;
    From<Nothing> from = [job = std::move(job)](DatabaseFile& file) {
        return DatabaseFile::Read<Nothing>{
            .value = {}, .fault = file.read([&](Database& db) { return job(db.connection()); })};
    };
    co_await read(std::move(from));
}

async::Task<FleetState> SqliteStore::fleet_state(std::size_t most) {
    co_await flush();
    From<FleetState> from = [most](DatabaseFile& file) { return file.fleet_state(most); };
    co_return co_await read(std::move(from));
}

FleetState SqliteStore::fleet_state_at_start() {
    std::promise<FleetState> promise;
    std::future<FleetState> read = promise.get_future();
    reader_->post(
        [&promise, file = file_.get()] { promise.set_value(file->fleet_state(0).value); });
    return read.get();
}

async::Task<bool> SqliteStore::all_unshared() {
    co_await flush();
    std::move_only_function<std::optional<DbError>()> job = [file = file_.get()] {
        return file->change(mark_all_unshared);
    };
    const auto fault = co_await writer_->call<std::optional<DbError>>(std::move(job));
    if (fault) note_failed_read(*fault);
    co_return !fault;
}

async::Task<bool> SqliteStore::prune(WallTime before) {
    std::move_only_function<bool()> job = [file = file_.get(), before] {
        return file->prune(before, pruned_at_once);
    };
    co_return co_await writer_->call<bool>(std::move(job));
}

// The writer keeps the order: what is in flight is written before; what waits is moved here.
void SqliteStore::clock_jumped(ClockJump jump) {
    const auto waiting = std::exchange(pending_.sts, {});
    for (const StsRow& row : waiting.rows())
        pending_.sts.put(rescheduled(row, jump));
    jumps_.push_back({.number = ++jumped_, .jump = jump}); // a load sees it
    moving_++;
    writers_->start(move_times(jump));
}

async::Task<> SqliteStore::move_times(ClockJump jump) {
    std::move_only_function<std::optional<DbError>()> job = [file = file_.get(), jump] {
        return file->clock_jumped(jump);
    };
    const auto fault = co_await writer_->call<std::optional<DbError>>(std::move(job));
    moving_--;
    drop_what_is_read();
    if (fault) note_failed_read(*fault);
}

std::vector<RefreshDue> SqliteStore::with_waiting(std::vector<RefreshDue> read, std::size_t most,
                                                  std::uint64_t since) const {
    std::vector<WrittenBatch> batches = newer(since);
    const auto is_in = [](const Batch& batch, const Domain& domain) {
        return batch.sts.find(domain.name()) != nullptr;
    };
    std::erase_if(read, [&](const RefreshDue& due) {
        return is_in(pending_, due.domain) ||
               std::ranges::any_of(
                   batches, [&](const WrittenBatch& one) { return is_in(*one.batch, due.domain); });
    });
    const auto add = [&](StsRow row) {
        if (row.refresh_at)
            read.push_back({.domain = std::move(row.domain), .at = *row.refresh_at});
    };
    for (const StsRow& row : pending_.sts.rows())
        add(row);
    for (auto one = batches.begin(); one != batches.end(); ++one)
        for (const StsRow& row : one->batch->sts.rows()) {
            const bool is_older = is_in(pending_, row.domain) ||
                                  std::any_of(batches.begin(), one, [&](const WrittenBatch& newer) {
                                      return is_in(*newer.batch, row.domain);
                                  });
            if (!is_older) add(moved(row, one->jumps));
        }
    std::ranges::sort(read, {},
                      [](const RefreshDue& due) { return std::pair(due.at, due.domain); });
    if (read.size() > most)
        read.erase(read.begin() + static_cast<std::ptrdiff_t>(most), read.end());
    return read;
}

// A failed read may be one bad page among good ones: reading works again when none has failed for a
// while, not at the next that succeeds. The attempt to write opens the file anew if that helps.
void SqliteStore::note_failed_read(const DbError& fault) {
    note(read_trouble_, fault);
    if (calm_.active()) {
        calm_broken_ = true;
        return;
    }
    calm_.start(loop_, calm_after,
                {[](void* self) { static_cast<SqliteStore*>(self)->on_calm(); }, this});
    write_soon();
}

void SqliteStore::on_calm() {
    if (!std::exchange(calm_broken_, false)) {
        note(read_trouble_, std::nullopt);
        return;
    }
    calm_.start(loop_, calm_after,
                {[](void* self) { static_cast<SqliteStore*>(self)->on_calm(); }, this});
    write_soon();
}

void SqliteStore::note(std::optional<Trouble>& trouble, const std::optional<DbError>& fault) {
    if (fault) {
        failures_.at(static_cast<std::size_t>(fault->fault))++;
        if (trouble) {
            trouble->text = fault->text;
            return;
        }
        trouble = Trouble{.text = fault->text, .since = utc_text(wall_clock_())};
        log_(fault->text);
    } else if (trouble) {
        log_(fmt::format("works again: {}, since {}", trouble->text, trouble->since));
        trouble.reset();
    }
}

void SqliteStore::note_incidents(std::vector<std::string> incidents) {
    for (std::string& incident : incidents) {
        failures_.back()++;
        log_(incident);
        loss_ = Trouble{.text = std::move(incident), .since = utc_text(wall_clock_())};
    }
}

Status SqliteStore::status() const {
    Status status;
    for (std::size_t i = 0; i < failures_.size(); i++) {
        const std::string_view reason = i < db_faults ? to_string(static_cast<DbFault>(i)) : "lost";
        status.by_reason.emplace_back(reason, failures_.at(i));
        status.failures += failures_.at(i);
    }
    const auto add = [&](const std::optional<Trouble>& trouble) {
        if (trouble) status.degrade(fmt::format("{}, since {}", trouble->text, trouble->since));
    };
    add(write_trouble_);
    if (write_trouble_)
        status.reason += fmt::format(", {} rows wait in memory",
                                     pending_.size() + (in_flight_ ? in_flight_->size() : 0));
    if (dropped_ > 0) status.reason += fmt::format(", {} found no room there", dropped_);
    add(read_trouble_);
    if (read_trouble_) status.unread = read_trouble_->text;
    add(loss_);
    return status;
}

} // namespace postseal::store
