// SPDX-License-Identifier: BSD-3-Clause
#include "cli/setup.h"

#include "cli/direct.h"
#include "cli/exit_status.h"
#include "engine/clock.h"

#include <fmt/format.h>

#include <cstdio>

namespace postseal::cli {

int fail(int status, const std::string& text) {
    fmt::print(stderr, "postseal: {}\n", text);
    return status;
}

int fail(const ClientError& error) { return fail(error.status, error.text); }

std::expected<config::Config, ClientError> load_config(const Common& common) {
    auto config = config::load(config::configured_file(common.config_file));
    if (!config) return std::unexpected(ClientError{bad_config, config.error().message()});
    return std::move(*config);
}

std::string admin_socket(const Common& common, const config::Config& config) {
    if (!common.socket.empty()) return common.socket;
    for (const config::Listen& listen : config.listen)
        if (listen.protocol == config::Protocol::admin) return listen.address.path;
    return std::string(config::default_admin_socket);
}

std::expected<Json, ClientError> ask(const Common& common, const Json& request, seconds patience) {
    const auto config = load_config(common);
    auto reply =
        ask_daemon(admin_socket(common, config ? *config : config::Config()), request, patience);
    // The file that is at fault might have named its socket.
    if (!reply && !config && common.socket.empty() && reply.error().status == unreachable)
        return std::unexpected(config.error());
    return reply;
}

WallTime wall_now() { return engine::SystemClock().now(); }

std::expected<Json, ClientError> explanation(const Common& common, const std::string& key) {
    if (common.direct) {
        const auto config = load_config(common);
        if (!config) return std::unexpected(config.error());
        auto found = explain_direct(*config, key);
        if (!found) return std::unexpected(ClientError{bad_config, found.error()});
        return std::move(*found);
    }
    auto reply = ask(common, {{"command", "explain"}, {"key", key}});
    if (!reply) return std::unexpected(reply.error());
    return std::move((*reply)["explain"]);
}

} // namespace postseal::cli
