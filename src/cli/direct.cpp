// SPDX-License-Identifier: BSD-3-Clause
#include "cli/direct.h"

#include "async/block_on.h"
#include "engine/engine.h"
#include "engine/explain.h"
#include "engine/from_config.h"
#include "log/log.h"
#include "store/memory.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace postseal::cli {

std::expected<nlohmann::ordered_json, std::string> explain_direct(const config::Config& config,
                                                                  const std::string& key) {
    const engine::Maps maps(config);
    const auto nexthop = Nexthop::parse(key);
    if (!nexthop) return engine::explain_no_nexthop(key, nexthop.error(), maps);
    auto overrides = engine::Overrides::load(config.overrides);
    if (!overrides) return std::unexpected(overrides.error());

    Log log({.level = config::LogLevel::error});
    const engine::SystemClock clock;
    async::UvLoop loop;
    auto resolver = dns::Unbound::open(loop, engine::unbound_options(config.dns));
    if (!resolver) return std::unexpected(resolver.error());
    auto fetcher =
        https::HttpsPolicyFetcher::open(loop, **resolver, engine::fetcher_options(config.https));
    if (!fetcher) return std::unexpected(fetcher.error());
    store::MemoryStore store;
    engine::SystemRandom random;
    engine::Engine engine({loop, clock, **resolver, **fetcher, store, log, random}, maps,
                          *overrides, engine::engine_options(config));
    const auto answer = async::block_on(loop, engine.answer(*nexthop));
    return engine::explain(*answer, maps);
}

} // namespace postseal::cli
