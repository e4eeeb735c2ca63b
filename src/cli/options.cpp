// SPDX-License-Identifier: BSD-3-Clause
#include "cli/options.h"

#include <CLI/CLI.hpp>

namespace postseal::cli {

void config_option(CLI::App& command, Common& common) {
    command.add_option("-c,--config", common.config_file,
                       "configuration file (default /etc/postseal/postseal.toml, if it is there)");
}

void daemon_options(CLI::App& command, Common& common) {
    config_option(command, common);
    command.add_option("-s,--socket", common.socket,
                       "admin socket of the daemon (default: as configured)");
    command.add_flag("-j,--json", common.json, "write JSON");
}

void lookup_options(CLI::App& command, Common& common) {
    daemon_options(command, common);
    command.add_flag("-d,--direct", common.direct,
                     "look up in this process, without a daemon and without its memory");
}

} // namespace postseal::cli
