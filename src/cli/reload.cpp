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

} // namespace

int reload(const Common& common) {
    // The configuration only says where the daemon is: a bad one is for the daemon to refuse.
    const auto config = load_config(common);
    const std::string socket =
        config ? admin_socket(common, *config) : admin_socket(common, config::Config());
    const auto reply = ask_daemon(socket, {{"command", "reload"}});
    if (!reply) {
        // The file that is at fault might have named its socket.
        if (!config && reply.error().status == unreachable)
            return fail(config.error().status, config.error().text);
        return fail(reply.error().status, reply.error().text);
    }
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

} // namespace postseal::cli
