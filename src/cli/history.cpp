// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/keys.h"
#include "cli/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>

namespace postseal::cli {
namespace {

constexpr std::size_t usual = 100;

struct HistoryOptions {
    std::string key; // empty: of all
    std::string since;
    std::size_t limit = usual;
};

// A span back from now, or a day, which counts from its beginning, or a time.
std::optional<WallTime> since_when(const std::string& text) {
    constexpr std::size_t length_of_day = 10; // 2026-01-31
    if (const auto span = parse_span(text)) return wall_now() - *span;
    const auto until = parse_until(text);
    if (until && text.size() == length_of_day) return *until - std::chrono::days(1);
    return until;
}

enum class WithKey { no, yes };

std::string line_of(const Json& change, WithKey with_key) {
    const std::string head =
        fmt::format("{}  {}{} -> {}", change.value("at", ""),
                    with_key == WithKey::yes ? change.value("key", "") + ": " : std::string(),
                    change.value("before", ""), change.value("after", ""));
    if (change.value("kind", "") == "downgrade") return head + "  (downgrade)\n";
    const std::string reasons = change.value("reasons", "");
    return fmt::format("{}  (row {})\n    {}\n", head, change.value("row", 0),
                       reasons.substr(0, reasons.find("; ")));
}

std::string nothing_changed(const Common& common, const HistoryOptions& options) {
    if (options.key.empty()) return "no verdict has changed";
    const auto shown = ask(common, {{"command", "show"}, {"key", options.key}});
    if (shown && (*shown)["show"].is_null())
        return fmt::format("{} is not known: Postfix has not asked for it, or it was forgotten",
                           options.key);
    return fmt::format("no verdict for {} has changed", options.key);
}

int history(const Common& common, HistoryOptions options) {
    if (!options.key.empty()) {
        auto key = named_key(options.key);
        if (!key) return fail(key.error());
        options.key = *std::move(key);
    }
    Json request = {{"command", "history"}, {"most", options.limit}};
    if (!options.key.empty()) request["key"] = options.key;
    if (!options.since.empty()) {
        const auto since = since_when(options.since);
        if (!since)
            return fail(usage,
                        fmt::format("--since \"{}\" is not a valid time: write 2d, 2026-01-31 or "
                                    "2026-01-31T12:00Z",
                                    options.since));
        request["since"] = rfc3339(*since);
    }
    const auto reply = ask(common, request);
    if (!reply) return fail(reply.error());
    const Json& changes = (*reply)["history"];
    const auto write = [&](const Json& change) {
        const WithKey with_key = options.key.empty() ? WithKey::yes : WithKey::no;
        fmt::print("{}", common.json ? change.dump() + "\n" : line_of(change, with_key));
    };
    // Of one destination the latest stands last, where the eye is; of all it comes first.
    if (options.key.empty())
        std::ranges::for_each(changes, write);
    else
        std::ranges::for_each(changes | std::views::reverse, write);
    if (!changes.empty()) return ExitStatus::found;
    if (!common.json) fmt::print(stderr, "postseal: {}\n", nothing_changed(common, options));
    return no_policy;
}

} // namespace

Command history_command(Common& common) {
    const auto options = std::make_shared<HistoryOptions>();
    return {.name = "history",
            .summary = "show how verdicts have changed in the last 400 days",
            .arguments = {{.name = "KEY",
                           .help = "a destination as Postfix asks; without one: what changed over "
                                   "all",
                           .count = Argument::Count::optional,
                           .target = &options->key}},
            .options = joined({{.letter = "n",
                                .name = "limit",
                                .value = "NUMBER",
                                .help = "at most so many changes, the latest first (default: 100)",
                                .target = &options->limit},
                               {.name = "since",
                                .value = "TIME",
                                .help = "only since TIME: 2d, 2026-01-31 or 2026-01-31T12:00Z",
                                .target = &options->since}},
                              daemon_options(common)),
            .examples = {"postseal history example.com", "postseal history --since 1d"},
            .run = [&common, options] { return history(common, *options); }};
}

} // namespace postseal::cli
