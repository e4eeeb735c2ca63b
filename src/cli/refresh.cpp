// SPDX-License-Identifier: BSD-3-Clause
#include "cli/exit_status.h"
#include "cli/keys.h"
#include "cli/options.h"
#include "cli/setup.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace postseal::cli {
namespace {

// The outcome of one, written.
int refresh_one(const Common& common, const std::string& key) {
    const auto reply = ask(common, {{"command", "refresh"}, {"key", key}});
    if (!reply) return fail(reply.error().status, reply.error().text);
    Json found = *reply;
    found.erase("ok");
    if (common.json)
        fmt::print("{}\n", found.dump());
    else
        fmt::print("{}: {} (row {}){}\n  {}\n", found.value("key", ""), found.value("verdict", ""),
                   found.value("row", 0),
                   found.value("partial", false) ? ", the lookup goes on" : "",
                   found.value("reason", ""));
    std::fflush(stdout);
    return ExitStatus::found;
}

int refresh(const Common& common, const std::vector<std::string>& keys) {
    const bool progress = keys.size() > 1 && ::isatty(STDERR_FILENO) == 1;
    int worst = ExitStatus::found;
    for (std::size_t i = 0; i < keys.size(); i++) {
        if (progress) fmt::print(stderr, "\r{} of {} ", i + 1, keys.size());
        const int status = refresh_one(common, keys[i]);
        if (status == unreachable) return status;
        worst = std::max(worst, status);
    }
    if (progress) fmt::print(stderr, "\n");
    return worst;
}

} // namespace

void add_refresh(CLI::App& app, Common& common, Run& run) {
    CLI::App* command = app.add_subcommand(
        "refresh", "have destinations looked up anew and their policies fetched");
    daemon_options(*command, common);
    command->footer("Example: postseal refresh example.com example.net");
    take_keys(*command, run,
              [&common](const std::vector<std::string>& keys) { return refresh(common, keys); });
}

} // namespace postseal::cli
