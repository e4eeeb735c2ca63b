// SPDX-License-Identifier: BSD-3-Clause
#include "cli/exit_status.h"
#include "cli/keys.h"
#include "cli/options.h"
#include "cli/setup.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace postseal::cli {
namespace {

int forget(const Common& common, const std::vector<std::string>& keys) {
    int worst = ExitStatus::found;
    for (const std::string& key : keys) {
        const auto reply = ask(common, {{"command", "forget"}, {"key", key}});
        if (!reply) return fail(reply.error().status, reply.error().text);
        const bool forgotten = reply->value("forgotten", false);
        if (common.json)
            fmt::print("{}\n", Json{{"key", key}, {"forgotten", forgotten}}.dump());
        else
            fmt::print("{}: {}\n", key, forgotten ? "forgotten" : "nothing was kept");
        if (!forgotten) worst = no_policy;
    }
    return worst;
}

} // namespace

void add_forget(CLI::App& app, Common& common, Run& run) {
    CLI::App* command = app.add_subcommand(
        "forget", "have the daemon forget what it keeps of destinations, policies too");
    daemon_options(*command, common);
    command->footer("Example: postseal forget example.com");
    take_keys(*command, run,
              [&common](const std::vector<std::string>& keys) { return forget(common, keys); });
}

} // namespace postseal::cli
