// SPDX-License-Identifier: BSD-3-Clause
#include "service/stores.h"

#include "service/reload.h"

#include <utility>

namespace postseal::service {

std::expected<std::unique_ptr<fleet::Server>, std::string>
find_server(const config::Config& config) {
    if (!config::has_shared_store(config)) return nullptr;
    return fleet::Server::open(config.store);
}

std::expected<Stores, std::string> Stores::open(async::UvLoop& loop, const config::Config& config,
                                                std::unique_ptr<fleet::Server> server,
                                                const engine::Clock& clock, Log& log) {
    const auto wall_clock = [&clock] { return clock.now(); };
    auto own = store::SqliteStore::open(
        loop, config.state_dir + "/postseal.db", wall_clock,
        [&log](const std::string& text) { log.error("store", {{"reason", text}}); });
    if (!own) return std::unexpected(std::move(own.error()));
    Stores stores;
    stores.own_ = own->get();
    if (!server) {
        stores.store_ = *std::move(own);
        return stores;
    }
    auto shared = std::make_unique<fleet::FleetStore>(
        loop, *std::move(own), std::move(server), [&clock] { return clock.moment(); },
        fleet::FleetStore::Log{.warning =
                                   [&log](const std::string& text) {
                                       log.warning("shared-store", {{"reason", text}});
                                   },
                               .same_node_id =
                                   [&log](const std::string& text) {
                                       log.error("same-node-id", {{"reason", text}});
                                   }});
    stores.fleet_ = shared.get();
    stores.store_ = std::move(shared);
    return stores;
}

void Stores::bring_news_to(engine::Engine& engine) {
    if (fleet_ == nullptr) return;
    fleet_->on_news({.policy = [&engine](const Domain& domain) { engine.outdate(domain); },
                     .dane = [&engine](const std::string& nexthop) { engine.outdate(nexthop); }});
}

void Stores::bring_overrides_to(Reload& reload) {
    if (fleet_ == nullptr) return;
    fleet_->on_overrides([&reload](const std::string& lines) { reload.share(lines); });
    if (const std::string kept = fleet_->overrides(); !kept.empty()) reload.share(kept);
}

} // namespace postseal::service
