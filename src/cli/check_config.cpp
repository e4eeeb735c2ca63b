// SPDX-License-Identifier: BSD-3-Clause
#include "cli/exit_status.h"
#include "cli/options.h"
#include "cli/setup.h"
#include "engine/from_config.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace postseal::cli {

namespace {

int check_config(const Common& common) {
    const std::string file =
        common.config_file.empty() ? std::string(config::default_file) : common.config_file;
    const auto config = load_config(common);
    if (!config) return fail(config.error().status, config.error().text);
    const auto overrides = engine::check_files(*config);
    if (!overrides) return fail(bad_config, overrides.error());
    fmt::print("{}: good; {} listeners, {} maps, {} overrides\n", file, config->listen.size(),
               config->maps.size(), *overrides);
    return ExitStatus::found;
}

} // namespace

void add_check_config(CLI::App& app, Common& common, Run& run) {
    CLI::App* command =
        app.add_subcommand("check-config", "read the configuration and say what is wrong");
    config_option(*command, common);
    command->footer("Example: postseal check-config --config /etc/postseal/postseal.toml");
    command->callback([&common, &run] { run = [&common] { return check_config(common); }; });
}

} // namespace postseal::cli
