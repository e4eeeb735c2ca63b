// service/status.h: how the daemon is, for the tool, for systemd and for whoever asks its health
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/engine.h"
#include "engine/own_dns.h"
#include "observe/observer.h"
#include "serve/counters.h"
#include "serve/daemon_status.h"
#include "serve/listeners.h"
#include "serve/shared.h"
#include "service/reload.h"
#include "service/watchdog.h"
#include "store/store.h"

#include <string>
#include <vector>

namespace postseal::service {

class Status {
  public:
    struct Dependencies {
        const engine::Engine& engine;
        const engine::OwnDns& own_dns;
        const serve::Listeners& listeners;
        const serve::Shared& shared;
        const store::Store& store;
        const Reload& reload;
    };
    explicit Status(const Dependencies& dependencies) : dependencies_(dependencies) {}

    // The answer to "status" on the admin socket: an object in one line.
    [[nodiscard]] std::string json(const serve::Totals& counters,
                                   observe::Observer& observer) const;
    // What "systemctl status" shows.
    [[nodiscard]] std::string line() const;
    // Of the parts that observe does not know, each with its trouble if it has one.
    [[nodiscard]] std::vector<serve::PartHealth> health(const Watchdog& watchdog) const;

  private:
    Dependencies dependencies_;
};

} // namespace postseal::service
