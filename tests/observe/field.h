// observe/field.h: an observer of parts that a test can move
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/own_dns.h"
#include "engine/refresh.h"
#include "observe/observer.h"
#include "serve/engine_behind.h"

#include <memory>
#include <string>
#include <vector>

namespace postseal::test {

struct Observed : EngineBehind {
    // Of no name server and no anchor: nothing is asked.
    [[nodiscard]] static dns::UnboundOptions no_servers() {
        return {.trust_anchor = {}, .root_hints = {}, .may_ask_system = false};
    }
    observe::Dependencies parts() {
        return {.loop = loop,
                .engine = engine,
                .own_dns = *own_dns,
                .archive = store,
                .refresh = refresh,
                .shared = shared,
                .listeners = listeners,
                .resolver = measured,
                .fetcher = measured_fetcher,
                .counted = [this] { return counted; },
                .health = [this] { return health; },
                .configuration = [this]() -> const config::Config& { return configuration; },
                .reload_error = [this] { return reload_error; }};
    }

    std::unique_ptr<engine::OwnDns> own_dns =
        engine::OwnDns::open(loop, no_servers(), clock, log).value();
    engine::Refresh refresh{engine, {}};
    serve::Listeners listeners{{&station}, log, shared, nullptr};
    dns::Measured measured{loop, resolver};
    https::Measured measured_fetcher{loop, fetcher};
    serve::Totals counted;
    std::vector<serve::PartHealth> health;
    config::Config configuration;
    std::string reload_error;
    observe::Observer observer{parts()};
};

} // namespace postseal::test
