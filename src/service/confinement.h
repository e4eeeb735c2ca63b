// service/confinement.h: what the process gives up at its start, and what it can still open
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "log/log.h"
#include "service/sandbox.h"
#include "service/sockets.h"

#include <expected>
#include <optional>
#include <string>

namespace postseal::service {

struct Confinement {
    bool root = false;
    std::optional<Access> granted; // empty: all that its user may
    std::expected<int, std::string> landlock{0};
    std::expected<void, std::string> calls;

    void log_to(Log& log) const;
};

// Before the first thread. What is open stays open; the predecessor's sockets are ours to remove.
[[nodiscard]] Confinement confine(const std::string& config_file, const config::Config& config,
                                  Sockets& sockets);

// On reload: what could not be opened is reported before anything is tried.
[[nodiscard]] std::expected<config::Config, std::string>
load_within(const std::string& config_file, const std::optional<Access>& granted);

} // namespace postseal::service
