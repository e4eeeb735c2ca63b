// cli/options.h: the options that several commands have, and how a command is added to the tool
//
// add_NAME() declares a command; if it is the one on the command line, `run` is what it does.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace postseal::cli {

struct Common {
    std::string config_file; // empty: the default one, if it is there
    std::string socket;      // empty: the configuration's admin listener
    bool direct = false;
    bool json = false;
};

using Run = std::function<int()>; // gives an ExitStatus

// They may stand before the command or behind it.
void config_option(CLI::App& command, Common& common);
void daemon_options(CLI::App& command, Common& common); // and the configuration
void lookup_options(CLI::App& command, Common& common); // and the daemon's

void add_query(CLI::App& app, Common& common, Run& run);
void add_explain(CLI::App& app, Common& common, Run& run);
void add_list(CLI::App& app, Common& common, Run& run);
void add_show(CLI::App& app, Common& common, Run& run);
void add_history(CLI::App& app, Common& common, Run& run);
void add_refresh(CLI::App& app, Common& common, Run& run);
void add_forget(CLI::App& app, Common& common, Run& run);
void add_overrides(CLI::App& app, Common& common, Run& run);
void add_reload(CLI::App& app, Common& common, Run& run);
void add_doctor(CLI::App& app, Common& common, Run& run);
void add_check_config(CLI::App& app, Common& common, Run& run);

} // namespace postseal::cli
