// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"
#include "cli/stats_text.h"
#include "json/json.h"

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

// The socket is there and may not be written to.
bool is_forbidden(const Common& common) {
    const auto config = load_config(common);
    const std::string socket = admin_socket(common, config ? *config : config::Config());
    return ::access(socket.c_str(), W_OK) != 0 && errno == EACCES;
}

// Whether the daemon is well cannot be said: for whoever watches it, that is as if it were not.
int write_unanswered(const Common& common, const ClientError& error) {
    const bool known = error.status == unreachable && !is_forbidden(common);
    return write_health(common, known ? "down" : "unknown", error.text + "\n", down, Json::array());
}

int health(const Common& common) {
    const auto reply = ask(common, {{"command", "status"}}, health_patience);
    if (!reply) return write_unanswered(common, reply.error());
    const Json& status = (*reply)["status"];
    const std::string troubles = health_text(status);
    const std::string notes = health_notes(status);
    const Json parts = status.value("health", Json::array());
    return troubles.empty() ? write_health(common, "ok", notes, ExitStatus::found, parts)
                            : write_health(common, "degraded", troubles + notes, degraded, parts);
}

} // namespace

Command health_command(Common& common) {
    return {.name = "health",
            .summary = "check whether the daemon is healthy, for cron and containers",
            .options = daemon_options(common),
            .examples = {"postseal health || mail -s 'postseald' root"},
            .footer = "Exit status: 0 ok, 1 degraded, 2 down or unknown, 64 usage.",
            .run = [&common] { return health(common); }};
}

} // namespace postseal::cli
