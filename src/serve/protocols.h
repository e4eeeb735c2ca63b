// serve/protocols.h: what a listener of the configuration speaks
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "engine/engine.h"
#include "serve/answering.h"
#include "serve/connection.h"
#include "serve/daemon_status.h"
#include "serve/steering.h"
#include "store/archive.h"

#include <memory>
#include <string>

namespace postseal::serve {

// What the protocols are served from; must outlive them. The engine, the archive, the steering and
// the status are the main thread's.
struct Dependencies {
    engine::Engine& engine;
    store::Archive& archive;
    engine::Handle& engine_handle; // the thread's
    Counters& counters;            // the same
    Steering& steering;
    DaemonStatus& daemon_status;
};

// The engine's maps are those of the configuration that `listen` is from.
[[nodiscard]] std::unique_ptr<Protocol> make_protocol(const config::Listen& listen,
                                                      const Dependencies& dependencies);

// Not: by the main one only.
[[nodiscard]] bool served_by_all_threads(config::Protocol protocol);

} // namespace postseal::serve
