// service/stores.h: the daemon's own store, and around it that of a fleet if there is one
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/uv_loop.h"
#include "config/config.h"
#include "engine/clock.h"
#include "engine/engine.h"
#include "fleet/fleet_store.h"
#include "fleet/server.h"
#include "log/log.h"
#include "store/sqlite.h"

#include <expected>
#include <memory>
#include <string>

namespace postseal::service {

class Reload;

// Null: there is no fleet. Error: the address of its server is wrong.
[[nodiscard]] std::expected<std::unique_ptr<fleet::Server>, std::string>
find_server(const config::Config& config);

class Stores {
  public:
    [[nodiscard]] static std::expected<Stores, std::string>
    open(async::UvLoop& loop, const config::Config& config, std::unique_ptr<fleet::Server> server,
         const engine::Clock& clock, Log& log);

    // The one to work with, and the one below it that is on this machine.
    [[nodiscard]] store::Store& store() { return *store_; }
    [[nodiscard]] store::Store& own() { return *own_; }
    // What is stored on this machine.
    [[nodiscard]] store::Archive& archive() { return *own_; }

    // What other nodes of the fleet find out, and the overrides that they share, count here.
    void bring_news_to(engine::Engine& engine);
    void bring_overrides_to(Reload& reload);

  private:
    std::unique_ptr<store::Store> store_;
    store::SqliteStore* own_ = nullptr;
    fleet::FleetStore* fleet_ = nullptr;
};

} // namespace postseal::service
