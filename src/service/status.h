// service/status.h: the parts' troubles, for the daemon's health and for systemctl status
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/engine.h"
#include "engine/own_dns.h"
#include "serve/daemon_status.h"
#include "serve/listeners.h"
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
        const store::Store& store;
        const Reload& reload;
    };
    explicit Status(const Dependencies& dependencies) : dependencies_(dependencies) {}

    // What "systemctl status" shows.
    [[nodiscard]] std::string line() const;
    // Of the parts that observe does not know, each with its trouble if it has one.
    [[nodiscard]] std::vector<serve::PartHealth> health(const Watchdog& watchdog) const;

  private:
    Dependencies dependencies_;
};

} // namespace postseal::service
