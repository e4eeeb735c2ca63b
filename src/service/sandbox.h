// service/sandbox.h: which files the process may open from now on, and which TCP ports it may
// connect to (Landlock, landlock(7))
//
// Reading: what the configuration names, each by its folder, for files are replaced by renaming new
// ones into their place, and so for the files that a shared store's URI names; what the C library,
// GnuTLS and libunbound read of the system (/etc, /usr, the libraries); what sandbox.read names.
// Writing: state_dir and what sandbox.write names. In the folders of unix sockets: making and
// removing sockets, nothing else. Starting programs: nowhere. Paths that are not there are left
// out. Sockets that are open stay as they are, and connecting to one is not a matter of files.
//
// TCP (version 4): connections to 443 (policies), 53 (name servers), the ports that forwarders and
// stubs name, and those of a shared store; any, with dns.unbound_conf, which may name more. Which
// ports are listened on is not limited: a reload adds listeners. From version 6 on the process
// sends no signal to others, and connects to no abstract unix socket of others, unless the service
// manager's own is one. UDP is not limited.
//
// Holds for the calling thread and all that it starts, so call it before the first thread.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace postseal::service {

// Absolute paths of files and folders; a folder stands for all that is below it.
struct Access {
    std::vector<std::string> read;
    std::vector<std::string> write;
    std::vector<std::string> sockets;
    std::optional<std::vector<std::uint16_t>> connect; // TCP ports; nothing: any
    bool abstract_sockets = false;                     // of other processes
};

// `config_file` may be empty.
[[nodiscard]] Access needed_access(const config::Config& config, const std::string& config_file);
// The folders of unix sockets among the addresses ("unix:PATH"), too.
void add_sockets(const std::vector<std::string>& addresses, Access& access);

// The first path to read or to make a socket at, or TCP port, that `granted` does not cover.
[[nodiscard]] std::optional<std::string> beyond(const Access& granted, const Access& wanted);

// Error: this kernel has no Landlock, or refuses it; nothing is restricted then.
// The version of Landlock's interface that is in force.
[[nodiscard]] std::expected<int, std::string> restrict_access(const Access& access);

} // namespace postseal::service
