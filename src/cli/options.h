// cli/options.h: the options that several commands have
//
// They may stand before the command or behind it.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/command.h"

#include <string>
#include <vector>

namespace postseal::cli {

struct Common {
    std::string config_file; // empty: the default one, if it is there
    std::string socket;      // empty: the configuration's admin listener
    bool direct = false;
    bool json = false;
    bool version = false;
};

[[nodiscard]] Option json_option(Common& common);
[[nodiscard]] std::vector<Option> config_options(Common& common); // and --json
[[nodiscard]] std::vector<Option> daemon_options(Common& common); // and those
[[nodiscard]] std::vector<Option> lookup_options(Common& common); // and the daemon's

// One destination, or at least one.
[[nodiscard]] std::vector<Argument> one_key(std::string& key);
[[nodiscard]] std::vector<Argument> several_keys(std::vector<std::string>& keys);

} // namespace postseal::cli
