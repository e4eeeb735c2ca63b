// service/sockets.h: the daemon's listening sockets, wherever they come from
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "serve/inherited.h"
#include "serve/listeners.h"
#include "service/predecessor.h"
#include "service/systemd.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace postseal::service {

struct Sockets {
    std::optional<Predecessor> predecessor; // must end before the store is opened
    std::vector<serve::Bound> bound;
    std::vector<std::string> complaints; // about what was passed to us
};

// Passed by systemd, handed over by the daemon that we take over from, or bound now.
[[nodiscard]] std::expected<Sockets, std::string>
listening_sockets(bool take_over, const config::Config& config, Systemd& systemd);

} // namespace postseal::service
