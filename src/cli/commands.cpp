// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"

namespace postseal::cli {

Command tool(Common& common) {
    std::vector<Option> options = lookup_options(common);
    options.push_back({.letter = "V",
                       .name = "version",
                       .help = "show version, commit and the libraries in use",
                       .target = &common.version});
    return {
        .name = "postseal",
        .summary =
            "Shows and explains the TLS policy that postseald gives Postfix for a destination",
        .options = std::move(options),
        .examples = {"postseal explain example.com", "postseal list --help"},
        .footer = "Exit status: 0 found, 1 no policy, (doctor) a problem or (health) degraded, 2 "
                  "(health) down, 64 usage, 65 bad data (lint, import), 69 daemon not reachable, "
                  "70 internal error, 75 temporary "
                  "failure, 78 configuration error.",
        .commands = {query_command(common),   explain_command(common),
                     list_command(common),    show_command(common),
                     history_command(common), refresh_command(common),
                     forget_command(common),  export_command(common),
                     import_command(common),  overrides_command(common),
                     store_command(common),   nodes_command(common),
                     stats_command(common),   health_command(common),
                     reload_command(common),  doctor_command(common),
                     probe_command(common),   check_config_command(common),
                     lint_command(common),    completion_command(common)},
    };
}

} // namespace postseal::cli
