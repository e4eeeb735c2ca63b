// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

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

Command refresh_command(Common& common) {
    const auto keys = std::make_shared<std::vector<std::string>>();
    return {.name = "refresh",
            .summary = "have destinations looked up anew and their policies fetched",
            .arguments = several_keys(*keys),
            .options = daemon_options(common),
            .examples = {"postseal refresh example.com example.net"},
            .run = [&common, keys] { return refresh(common, *keys); }};
}

} // namespace postseal::cli
