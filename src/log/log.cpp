// SPDX-License-Identifier: BSD-3-Clause
#include "log/log.h"

#include "async/thread_name.h"
#include "log/sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace postseal {
namespace {

using namespace std::chrono_literals;
using log::Event;
using log::Format;
using log::Line;

MonoTime mono_now() {
    return std::chrono::time_point_cast<milliseconds>(std::chrono::steady_clock::now());
}

WallTime wall_now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

} // namespace

struct Log::Impl {
    Impl(const log::Options& options, const LogOutput& output)
        : output_(output), sink_(output.fd, output.journal_socket), rate_(output.rate) {
        configure(options);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        {
            const std::lock_guard lock(mutex_);
            closing_ = true;
        }
        sink_.hurry();
        more_.notify_one();
        if (writer_.joinable()) writer_.join();
    }

    void configure(const log::Options& options) {
        const std::lock_guard lock(mutex_);
        level_ = options.level;
        format_ = options.format;
        if (format_ != Format::journal) return;
        const auto there = log::Journal(output_.journal_socket).open();
        if (there) return;
        format_ = Format::text;
        const Field reason{"reason", fmt::format("{}; [log] format is \"text\" until there is one",
                                                 there.error())};
        enqueue({Level::warning, "no-journal", {&reason, 1}});
    }

    void write(const Event& event) {
        const std::lock_guard lock(mutex_);
        if (level_ != Level::debug && !rate_.admits(log::kind_of(event), mono_now())) return;
        enqueue(event);
    }

    bool wants(Level level) const { return level <= level_; }

  private:
    void enqueue(const Event& event) {
        Line line = formatted(event);
        if (octets_ + line.octets() > output_.octets) {
            lost_++;
            return;
        }
        octets_ += line.octets();
        queue_.push_back(std::move(line));
        // A log that nobody writes to needs no thread.
        if (!writer_.joinable()) writer_ = std::thread([this] { serve(); });
        more_.notify_one();
    }

    Line formatted(const Event& event) const {
        std::string head;
        std::optional<WallTime> time;
        if (!output_.program.empty())
            head = output_.program + ": ";
        else if (output_.journal_reads)
            head = fmt::format("<{}>", log::priority(event.level));
        else
            time = wall_now();
        if (format_ == Format::json)
            return {.text = head + log::json_line(event, time) + '\n', .entry = {}};
        if (time) head = log::timestamp(*time) + ' ';
        return {.text = head + log::text_line(event) + '\n',
                .entry = format_ == Format::journal ? log::journal_entry(event) : ""};
    }

    void tell_held_back(MonoTime ended_by) {
        for (const auto& [kind, lines] : rate_.take_ended(ended_by)) {
            std::vector<Field> fields;
            if (!kind.field.empty()) fields.emplace_back(kind.field, kind.value);
            fields.emplace_back("suppressed", std::to_string(lines));
            enqueue({kind.level, kind.event, fields});
        }
    }

    void tell_lost() {
        if (lost_ == 0) return;
        const Field count{"count", std::to_string(std::exchange(lost_, 0))};
        enqueue({Level::warning, "lines-lost", {&count, 1}});
    }

    // The writer's thread.
    void serve() {
        async::name_this_thread("log");
        std::unique_lock lock(mutex_);
        for (;;) {
            const MonoTime next =
                std::min(rate_.next_end().value_or(MonoTime::max()), mono_now() + 1h);
            more_.wait_until(lock, next,
                             [this] { return closing_ || lost_ > 0 || !queue_.empty(); });
            tell_held_back(closing_ ? MonoTime::max() : mono_now());
            if (queue_.empty()) tell_lost();
            if (queue_.empty() && closing_) return;
            if (queue_.empty()) continue;
            const Line line = std::move(queue_.front());
            queue_.pop_front();
            octets_ -= line.octets();
            lock.unlock();
            sink_.write(line);
            lock.lock();
        }
    }

    const LogOutput output_;
    log::Sink sink_; // the writer's, but for hurry()
    std::atomic<Level> level_{Level::info};
    std::mutex mutex_; // of all that follows
    Format format_ = Format::text;
    log::Rate rate_;
    std::deque<Line> queue_;
    std::size_t octets_ = 0; // in the queue
    std::uint64_t lost_ = 0;
    bool closing_ = false;
    std::condition_variable more_;
    std::thread writer_;
};

Log::Log(const log::Options& options, const LogOutput& output)
    : impl_(std::make_unique<Impl>(options, output)) {}
Log::~Log() = default;

void Log::reconfigure(const log::Options& options) { impl_->configure(options); }

bool Log::wants(Level level) const { return impl_->wants(level); }

void Log::write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (wants(level)) impl_->write({level, event, {fields.begin(), fields.size()}});
}

} // namespace postseal
