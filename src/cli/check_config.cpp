// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"
#include "engine/from_config.h"

#include <fmt/format.h>

namespace postseal::cli {

namespace {

// How many overrides; or what is wrong.
std::expected<std::size_t, std::string>
check_all(const std::expected<config::Config, ClientError>& config) {
    if (!config) return std::unexpected(config.error().text);
    return engine::check_files(*config);
}

int check_config(const Common& common) {
    const std::string file =
        common.config_file.empty() ? std::string(config::default_file) : common.config_file;
    const auto config = load_config(common);
    const auto overrides = check_all(config);
    if (common.json)
        fmt::print("{}\n", Json{{"file", file},
                                {"good", overrides.has_value()},
                                {"error", overrides ? "" : overrides.error()}}
                               .dump());
    else if (!overrides)
        return fail(bad_config, overrides.error());
    else
        fmt::print("{}: good; {} listeners, {} maps, {} overrides\n", file, config->listen.size(),
                   config->maps.size(), *overrides);
    return overrides ? ExitStatus::found : bad_config;
}

} // namespace

Command check_config_command(Common& common) {
    return {.name = "check-config",
            .summary = "read the configuration and say what is wrong",
            .options = config_options(common),
            .examples = {"postseal check-config --config /etc/postseal/postseal.toml"},
            .run = [&common] { return check_config(common); }};
}

} // namespace postseal::cli
