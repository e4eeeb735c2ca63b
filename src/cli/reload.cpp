// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace postseal::cli {
namespace {

std::string names(const Json& reply, const char* member) {
    return fmt::format("{}", fmt::join(reply.value(member, std::vector<std::string>()), ", "));
}

int reload(const Common& common) {
    const auto reply = ask(common, {{"command", "reload"}});
    if (!reply) return fail(reply.error());
    if (common.json) {
        fmt::print("{}\n", Json{{"changed", (*reply)["changed"]},
                                {"needs_restart", (*reply)["needs_restart"]}}
                               .dump());
        return ExitStatus::found;
    }
    const std::string changed = names(*reply, "changed");
    const std::string waiting = names(*reply, "needs_restart");
    fmt::print("{}\n", changed.empty() ? "nothing has changed" : "changed: " + changed);
    if (!waiting.empty()) fmt::print("takes effect only after a restart: {}\n", waiting);
    return ExitStatus::found;
}

} // namespace

Command reload_command(Common& common) {
    return {.name = "reload",
            .summary = "make the daemon read its configuration again",
            .options = daemon_options(common),
            .examples = {"postseal reload"},
            .run = [&common] { return reload(common); }};
}

} // namespace postseal::cli
