// service/daemon.h: all that works on queries, built on the platform, in order
// Thread: the main one.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "dns/measured.h"
#include "dns/second_opinion.h"
#include "engine/engine.h"
#include "engine/housekeeping.h"
#include "engine/overrides.h"
#include "engine/refresh.h"
#include "https/measured.h"
#include "observe/observer.h"
#include "serve/listeners.h"
#include "serve/shared.h"
#include "serve/stations.h"
#include "service/control.h"
#include "service/ending.h"
#include "service/platform.h"
#include "service/reload.h"
#include "service/status.h"
#include "service/status_line.h"
#include "service/watchdog.h"

#include <string>
#include <vector>

namespace postseal::service {

class Daemon {
  public:
    // The platform outlives it. `config`, `overrides`: what is in force until a reload.
    Daemon(Platform& platform, const std::string& config_file, const config::Config& config,
           const engine::Overrides& overrides);
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon() = default;

    // Until SIGTERM, SIGINT or a successor ends it.
    void run();

  private:
    void connect_parts();
    [[nodiscard]] std::vector<Watchdog::Part> watched_parts();
    [[nodiscard]] observe::Dependencies observer_dependencies();

    Platform& platform_;
    engine::SystemRandom random_;
    dns::SecondOpinion second_opinion_;
    dns::Measured resolver_;
    https::Measured fetcher_;
    engine::Engine engine_;
    engine::Refresh refresh_;
    engine::Housekeeping housekeeping_;
    serve::Shared shared_;
    serve::Stations stations_;
    serve::Listeners listeners_;
    Reload reload_;
    Ending ending_;
    Status status_;
    StatusLine status_line_;
    Control control_;
    Watchdog watchdog_;
    observe::Observer observer_;
};

} // namespace postseal::service
