// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"

#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <ranges>

namespace postseal::cli {
namespace {

constexpr std::size_t usual = 100;

struct HistoryOptions {
    std::string key;
    std::size_t most = usual;
};

std::string line_of(const Json& change) {
    const std::string head = fmt::format("{}  {} -> {}", change.value("at", ""),
                                         change.value("before", ""), change.value("after", ""));
    if (change.value("kind", "") == "downgrade") return head + "  (downgrade)\n";
    const std::string reasons = change.value("reasons", "");
    return fmt::format("{}  (row {})\n    {}\n", head, change.value("row", 0),
                       reasons.substr(0, reasons.find("; ")));
}

int history(const Common& common, const HistoryOptions& options) {
    const auto reply =
        ask(common, {{"command", "history"}, {"key", options.key}, {"most", options.most}});
    if (!reply) return fail(reply.error());
    const Json& changes = (*reply)["history"];
    // The latest stands last, where the eye is.
    for (const Json& change : changes | std::views::reverse)
        fmt::print("{}", common.json ? change.dump() + "\n" : line_of(change));
    if (!changes.empty()) return ExitStatus::found;
    if (!common.json) fmt::print(stderr, "postseal: no verdict for {} has changed\n", options.key);
    return no_policy;
}

} // namespace

Command history_command(Common& common) {
    const auto options = std::make_shared<HistoryOptions>();
    return {.name = "history",
            .summary = "show how a destination's verdict has changed in the last 400 days",
            .arguments = one_key(options->key),
            .options = joined({{.letter = "n",
                                .name = "number",
                                .value = "NUMBER",
                                .help = "so many of the latest changes (default: 100)",
                                .target = &options->most}},
                              daemon_options(common)),
            .examples = {"postseal history example.com"},
            .run = [&common, options] { return history(common, *options); }};
}

} // namespace postseal::cli
