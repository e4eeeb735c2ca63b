// cli/commands.h: postseal's commands; each writes to standard output and returns an ExitStatus
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace postseal::cli {

struct Common {
    std::string config_file; // empty: the default one, if it is there
    std::string socket;      // empty: the configuration's admin listener
    bool direct = false;
    bool json = false;
};

// The reply's value, as postmap -q prints it.
[[nodiscard]] int query(const Common& common, const std::string& key, const std::string& map);
[[nodiscard]] int explain(const Common& common, const std::vector<std::string>& keys);
// Has the daemon read its configuration again.
[[nodiscard]] int reload(const Common& common);
// What is wrong between Postfix and postseald. Exit status: found, problems.
struct DoctorOptions {
    std::string postconf = "postconf";
    std::string postfix_config; // folder of main.cf; empty: Postfix's own
    std::string resolv_conf;    // empty: the one that smtp(8) reads
};
[[nodiscard]] int doctor(const Common& common, const DoctorOptions& options);
[[nodiscard]] int check_config(const Common& common);

} // namespace postseal::cli
