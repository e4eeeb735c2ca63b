// SPDX-License-Identifier: BSD-3-Clause
#include "cli/direct.h"

#include "async/block_on.h"
#include "engine/clock.h"
#include "engine/engine.h"
#include "engine/explain.h"
#include "engine/own_dns.h"
#include "log/log.h"
#include "service/part_options.h"
#include "store/memory.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <utility>

namespace postseal::cli {

// In the order in which they are built; each uses those before it.
struct Direct::Impl {
    explicit Impl(const config::Config& config)
        : maps(config), log({.level = log::Level::error}, {.program = "postseal"}) {}

    engine::Maps maps;
    Log log;
    engine::SystemClock clock;
    engine::SystemRandom random;
    store::MemoryStore store;
    async::UvLoop loop;
    std::unique_ptr<engine::OwnDns> dns;
    std::unique_ptr<https::HttpsPolicyFetcher> fetcher;
    std::unique_ptr<engine::Engine> engine;
};

Direct::Direct(std::unique_ptr<Impl> parts) : parts_(std::move(parts)) {}
Direct::Direct(Direct&&) noexcept = default;
Direct::~Direct() = default;

std::expected<Direct, std::string> Direct::open(const config::Config& config) {
    auto overrides = engine::Overrides::load(config.overrides);
    if (!overrides) return std::unexpected(overrides.error());
    auto parts = std::make_unique<Impl>(config);
    auto dns = engine::OwnDns::open(parts->loop, service::unbound_options(config.dns), parts->clock,
                                    parts->log);
    if (!dns) return std::unexpected(dns.error());
    parts->dns = std::move(*dns);
    auto fetcher = https::HttpsPolicyFetcher::open(parts->loop, parts->dns->resolver(),
                                                   service::fetcher_options(config.https));
    if (!fetcher) return std::unexpected(fetcher.error());
    parts->fetcher = std::move(*fetcher);
    parts->engine = std::make_unique<engine::Engine>(
        engine::Dependencies{parts->loop, parts->clock, parts->dns->resolver(), *parts->fetcher,
                             parts->store, parts->log, parts->random},
        parts->maps, *overrides, service::engine_options(config));
    parts->dns->start();
    async::block_on(parts->loop, parts->dns->resolver().checked());
    return Direct(std::move(parts));
}

std::shared_ptr<const engine::Answer> Direct::answer(const Nexthop& nexthop) {
    return async::block_on(parts_->loop, parts_->engine->answer(nexthop));
}

dns::TxtResult Direct::record(const Domain& domain) {
    return async::block_on(parts_->loop, dns::txt_lookup(parts_->dns->resolver(), domain));
}

https::FetchResult Direct::fetch_policy(const Domain& domain) {
    return async::block_on(parts_->loop, parts_->fetcher->fetch(domain, {}));
}

async::UvLoop& Direct::loop() { return parts_->loop; }
dns::Resolver& Direct::resolver() { return parts_->dns->resolver(); }
const dns::RootCheck& Direct::validation() const { return parts_->dns->health().last(); }
std::string_view Direct::asked_servers() const { return to_string(parts_->dns->asked()); }
const engine::Maps& Direct::maps() const { return parts_->maps; }
std::expected<Nexthop, NexthopError> Direct::destination(std::string_view key) const {
    return parts_->engine->destination(key);
}
const engine::Overrides& Direct::overrides() const { return parts_->engine->overrides(); }

std::expected<Json, std::string> explain_direct(const config::Config& config,
                                                const std::string& key) {
    if (const auto parsed = Nexthop::parse(key);
        !parsed && parsed.error().fault != NexthopFault::address)
        return engine::explain_no_nexthop(key, parsed.error(), engine::Maps(config));
    auto direct = Direct::open(config);
    if (!direct) return std::unexpected(direct.error());
    const auto nexthop = direct->destination(key);
    if (!nexthop) return engine::explain_no_nexthop(key, nexthop.error(), direct->maps());
    return engine::explain(*direct->answer(*nexthop), direct->maps(), direct->overrides(),
                           engine::SystemClock().now());
}

} // namespace postseal::cli
