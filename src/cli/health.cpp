// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"
#include "cli/stats_text.h"
#include "engine/json.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

namespace postseal::cli {
namespace {

// A daemon that is stuck must not hold a container's check, which ends it after some seconds.
constexpr seconds health_patience{4};

int write_health(const Common& common, std::string_view state, const std::string& text, int status,
                 const Json& parts) {
    if (common.json)
        fmt::print("{}\n", dumped({{"state", state}, {"parts", parts}, {"reason", text}}));
    else
        fmt::print("{}\n{}", state, text);
    return status;
}

// The socket is there and may not be written to: whether the daemon is well cannot be said.
bool is_forbidden(const Common& common) {
    const auto config = load_config(common);
    const std::string socket = admin_socket(common, config ? *config : config::Config());
    return ::access(socket.c_str(), W_OK) != 0 && errno == EACCES;
}

int health(const Common& common) {
    const auto reply = ask(common, {{"command", "status"}}, health_patience);
    if (!reply) {
        if (reply.error().status != unreachable || is_forbidden(common)) return fail(reply.error());
        return write_health(common, "down", reply.error().text + "\n", down, Json::array());
    }
    const Json& status = (*reply)["status"];
    const std::string troubles = health_text(status);
    const Json parts = status.value("health", Json::array());
    return troubles.empty() ? write_health(common, "ok", "", ExitStatus::found, parts)
                            : write_health(common, "degraded", troubles, degraded, parts);
}

} // namespace

Command health_command(Common& common) {
    return {.name = "health",
            .summary = "say whether the daemon is well, for cron and containers",
            .options = daemon_options(common),
            .examples = {"postseal health || mail -s 'postseald' root"},
            .footer = "Exit status: 0 ok, 1 degraded, 2 down.",
            .run = [&common] { return health(common); }};
}

} // namespace postseal::cli
