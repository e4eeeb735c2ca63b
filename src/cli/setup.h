// cli/setup.h: what several commands begin with
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/admin_client.h"
#include "cli/options.h"
#include "config/config.h"

#include <expected>
#include <string>

namespace postseal::cli {

// Writes "postseal: TEXT" to standard error and returns `status`.
int fail(int status, const std::string& text);
int fail(const ClientError& error);

// The file named, which must then be there, or the default one, or the defaults.
[[nodiscard]] std::expected<config::Config, ClientError> load_config(const Common& common);

// The admin socket: --socket, the configuration's admin listener, or the default path.
[[nodiscard]] std::string admin_socket(const Common& common, const config::Config& config);

// One question to that daemon. It may run although the configuration is at fault now: then the
// default socket is tried.
[[nodiscard]] std::expected<Json, ClientError> ask(const Common& common, const Json& request,
                                                   seconds patience = usual_patience);

[[nodiscard]] WallTime wall_now();

// engine/explain.h's JSON, from the daemon or by a lookup of our own.
[[nodiscard]] std::expected<Json, ClientError> explanation(const Common& common,
                                                           const std::string& key);

} // namespace postseal::cli
