// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"
#include "cli/stats_text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace postseal::cli {
namespace {

using namespace std::chrono_literals;

constexpr seconds watch_patience{5}; // with a daemon that is stuck

// Ctrl-C and kill(1), from here on: they end the pause between two looks.
class Ended {
  public:
    Ended() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    }
    // Whether one came within so long.
    [[nodiscard]] bool within(milliseconds pause) const {
        const auto whole = std::chrono::floor<seconds>(pause);
        const timespec time{.tv_sec = whole.count(),
                            .tv_nsec = std::chrono::nanoseconds(pause - whole).count()};
        return ::sigtimedwait(&signals_, nullptr, &time) > 0;
    }

  private:
    sigset_t signals_{};
};

// "2", "2s", "1m"; nothing: no such time.
std::optional<milliseconds> pause_of(const std::string& text) {
    const auto span =
        parse_span(text.find_first_not_of("0123456789") == std::string::npos ? text + "s" : text);
    return span && *span >= 1s && *span <= 24h ? span : std::nullopt;
}

int once(const Common& common) {
    const auto reply = ask(common, {{"command", "status"}});
    if (!reply) return fail(reply.error());
    const Json& status = (*reply)["status"];
    if (common.json)
        fmt::print("{}\n", status.dump(2));
    else
        fmt::print("{}", stats_text({.before = Json(), .now = status}));
    return ExitStatus::found;
}

void write(const Common& common, const Interval& interval, bool terminal, milliseconds pause) {
    if (common.json)
        fmt::print("{}\n", interval.now.dump());
    else if (terminal)
        fmt::print("\x1b[H\x1b[2J{}\n{}, every {}; Ctrl-C ends\n", stats_text(interval),
                   rfc3339(wall_now()), span_text(pause));
    else
        fmt::print("{}  {}\n", rfc3339(wall_now()), stats_line(interval));
    std::fflush(stdout);
}

void write_absence(const ClientError& error, bool terminal) {
    const std::string text = error.text.substr(0, error.text.find("; "));
    if (terminal) fmt::print("\x1b[H\x1b[2J");
    std::fflush(stdout);
    fmt::print(stderr, "postseal: {}: {}; waiting for it\n", rfc3339(wall_now()), text);
}

// A daemon that goes away and comes back is waited for; one that never was is an error.
int watch(const Common& common, const std::string& every) {
    const auto pause = pause_of(every);
    if (!pause)
        return fail(usage, fmt::format("--watch \"{}\": write 2, 30s or 5m, a day at most", every));
    const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    const Ended ended;
    Json before;
    auto before_at = std::chrono::steady_clock::now();
    bool seen = false;
    bool absent = false;
    do {
        auto reply = ask(common, {{"command", "status"}}, watch_patience);
        const auto now = std::chrono::steady_clock::now();
        if (reply) {
            write(common, {.before = before, .now = (*reply)["status"], .length = now - before_at},
                  terminal, *pause);
            before = std::move((*reply)["status"]);
            before_at = now;
            seen = true;
        } else if (!seen) {
            return fail(reply.error());
        } else {
            if (!absent) write_absence(reply.error(), terminal);
            before = Json();
        }
        absent = !reply;
    } while (!ended.within(*pause));
    return ExitStatus::found;
}

} // namespace

Command stats_command(Common& common) {
    const auto every = std::make_shared<std::string>();
    return {
        .name = "stats",
        .summary = "show what the daemon has done, and its health",
        .options = joined({{.letter = "w",
                            .name = "watch",
                            .value = "SECONDS",
                            .help = "repeatedly, with rates (default: every 2 seconds)",
                            .target = every.get(),
                            .if_left_out = "2"}},
                          daemon_options(common)),
        .examples = {"postseal stats", "postseal stats --watch 10"},
        .run = [&common, every] { return every->empty() ? once(common) : watch(common, *every); }};
}

} // namespace postseal::cli
