// cli/commands.h: the table of the tool's commands, one file a command
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/command.h"
#include "cli/options.h"

namespace postseal::cli {

[[nodiscard]] Command tool(Common& common); // all of them

[[nodiscard]] Command query_command(Common& common);
[[nodiscard]] Command explain_command(Common& common);
[[nodiscard]] Command list_command(Common& common);
[[nodiscard]] Command show_command(Common& common);
[[nodiscard]] Command history_command(Common& common);
[[nodiscard]] Command refresh_command(Common& common);
[[nodiscard]] Command forget_command(Common& common);
[[nodiscard]] Command export_command(Common& common);
[[nodiscard]] Command import_command(Common& common);
[[nodiscard]] Command overrides_command(Common& common);
[[nodiscard]] Command store_command(Common& common);
[[nodiscard]] Command nodes_command(Common& common);
[[nodiscard]] Command stats_command(Common& common);
[[nodiscard]] Command health_command(Common& common);
[[nodiscard]] Command reload_command(Common& common);
[[nodiscard]] Command doctor_command(Common& common);
[[nodiscard]] Command probe_command(Common& common);
[[nodiscard]] Command check_config_command(Common& common);
[[nodiscard]] Command lint_command(Common& common);
[[nodiscard]] Command completion_command(Common& common);

} // namespace postseal::cli
