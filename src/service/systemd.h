// service/systemd.h: what systemd(1) and we tell each other (sd_notify(3), sd_listen_fds(3))
//
// Everything does nothing unless systemd has started us with NOTIFY_SOCKET, and in a build without
// libsystemd. libsystemd stays inside service/.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"
#include "serve/listeners.h"

#include <optional>
#include <string>
#include <vector>

namespace postseal::service {

class Systemd final : public serve::Keeper {
  public:
    // Somebody listens to what we tell.
    [[nodiscard]] bool active() const;

    // The sockets passed to us; call once. `refused`: why some are of no use, a sentence each.
    [[nodiscard]] serve::Inherited passed(std::vector<std::string>& refused) const;
    // How often alive() is expected (WatchdogSec): nothing: never.
    [[nodiscard]] std::optional<milliseconds> watchdog() const;

    void ready(const std::string& status) const;
    void reloading() const; // ready() follows
    void status(const std::string& text) const;
    void stopping() const;
    void alive() const;

    // The file descriptor store: what is there survives a restart.
    bool keep(const std::string& address, int fd) override;
    void forget(const std::string& address) override;
};

} // namespace postseal::service
