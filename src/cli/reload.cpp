// SPDX-License-Identifier: BSD-3-Clause
#include "cli/exit_status.h"
#include "cli/options.h"
#include "cli/setup.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace postseal::cli {
namespace {

std::string names(const Json& reply, const char* member) {
    return fmt::format("{}", fmt::join(reply.value(member, std::vector<std::string>()), ", "));
}

int reload(const Common& common) {
    const auto reply = ask(common, {{"command", "reload"}});
    if (!reply) return fail(reply.error().status, reply.error().text);
    if (common.json) {
        fmt::print("{}\n", Json{{"changed", (*reply)["changed"]},
                                {"needs_restart", (*reply)["needs_restart"]}}
                               .dump());
        return ExitStatus::found;
    }
    const std::string changed = names(*reply, "changed");
    const std::string waiting = names(*reply, "needs_restart");
    fmt::print("{}\n", changed.empty() ? "nothing has changed" : "changed: " + changed);
    if (!waiting.empty()) fmt::print("counts after a restart only: {}\n", waiting);
    return ExitStatus::found;
}

} // namespace

void add_reload(CLI::App& app, Common& common, Run& run) {
    CLI::App* command =
        app.add_subcommand("reload", "have the daemon read its configuration again");
    daemon_options(*command, common);
    command->footer("Example: postseal reload");
    command->callback([&common, &run] { run = [&common] { return reload(common); }; });
}

} // namespace postseal::cli
