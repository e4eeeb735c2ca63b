// serve/engine_behind.h: an engine among fakes on a real loop
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/handles.h"
#include "serve/local.h"
#include "store/memory.h"
#include "support/fake_fetcher.h"
#include "support/fake_resolver.h"

namespace postseal::test {

struct EngineBehind : Local {
    // `configuration` is for its listeners, maps and actions.
    explicit EngineBehind(const std::string& configuration = {})
        : maps(config::parse(configuration, "f").value()) {}

    void override_by(const std::string& text) {
        engine.reconfigure(maps, engine::Overrides::parse(text, "overrides").value(), {});
    }
    // An answer may come before the end of its lookup, and is in memory after that.
    void settle() {
        for (int i = 0; i < 1000 && engine.pending() > 0; i++)
            turn(milliseconds(1));
    }

    engine::SystemClock clock;
    FakeResolver resolver{loop, R"(
zone example.com secure 600
example.com MX secure 600 10 mx.example.com
mx.example.com A secure 600 192.0.2.1
_25._tcp.mx.example.com TLSA secure 600 3 1 1 ab*32
zone none.example insecure 600
none.example MX insecure 600 0 .
bogus.example MX bogus signature expired
_mta-sts.bogus.example TXT insecure 600 nodata
zone sts.example insecure 600
sts.example MX insecure 600 10 mx.sts.example
mx.sts.example A insecure 600 192.0.2.2
_mta-sts.sts.example TXT insecure 600 "v=STSv1; id=1;"
slow.example MX insecure 600 0 .
slow.example MX delay 60
)"};
    FakeFetcher fetcher{loop};
    store::MemoryStore store;
    engine::SystemRandom random;
    engine::Maps maps;
    engine::Overrides overrides;
    engine::Engine engine{
        {loop, clock, resolver, fetcher, store, log, random}, maps, overrides, engine::Options{}};
    engine::LocalHandle engine_handle{engine};
};

} // namespace postseal::test
