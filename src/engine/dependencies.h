// engine/dependencies.h: what the engine asks; all of it outlives the engine
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "dns/resolver.h"
#include "engine/clock.h"
#include "engine/random.h"
#include "https/policy_fetch.h"
#include "log/log.h"
#include "store/store.h"

namespace postseal::engine {

struct Dependencies {
    async::Loop& loop;
    const Clock& clock;
    dns::Resolver& resolver;
    https::PolicyFetcher& fetcher;
    store::Store& store;
    Log& log;
    Random& random;

    [[nodiscard]] Dependencies with(const Clock& other) const {
        return {loop, other, resolver, fetcher, store, log, random};
    }
};

} // namespace postseal::engine
