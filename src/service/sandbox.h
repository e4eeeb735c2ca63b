// service/sandbox.h: which files the process may open from now on (Landlock, landlock(7))
//
// Reading: what the configuration names, each by its folder, for files are replaced by renaming
// new ones into their place, and so for the files that a shared store's URI names; what the C
// library, GnuTLS and libunbound read of the system (/etc, /usr, the libraries); what sandbox.read
// names. Writing: state_dir and what sandbox.write names. In the folders of unix sockets: making
// and removing sockets, nothing else. Starting programs: nowhere. Paths that are not there are left
// out. Sockets that are open stay as they are, and connecting to one is no matter of files. Holds
// for the calling thread and all that it starts, so call it before the first thread.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace postseal::service {

// Absolute paths of files and folders; a folder stands for all that is below it.
struct FileAccess {
    std::vector<std::string> read;
    std::vector<std::string> write;
    std::vector<std::string> sockets;
};

// `config_file` may be empty.
[[nodiscard]] FileAccess file_access(const config::Config& config, const std::string& config_file);
// The folders of unix sockets among the addresses ("unix:PATH"), too.
void add_sockets(const std::vector<std::string>& addresses, FileAccess& access);

// The first path to read or to make a socket at that `granted` does not cover.
[[nodiscard]] std::optional<std::string> beyond(const FileAccess& granted,
                                                const FileAccess& wanted);

// Error: this kernel has no Landlock, or refuses it; nothing is restricted then.
// The version of Landlock's interface that is in force.
[[nodiscard]] std::expected<int, std::string> restrict_files(const FileAccess& access);

} // namespace postseal::service
