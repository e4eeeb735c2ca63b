// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"
#include "engine/from_config.h"

#include <fmt/format.h>

namespace postseal::cli {

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

} // namespace postseal::cli
