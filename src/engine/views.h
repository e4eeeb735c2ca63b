// engine/views.h: the engine seen from its own thread, and from another
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/remote.h"
#include "engine/engine.h"
#include "engine/view.h"

namespace postseal::engine {

class HomeView final : public View {
  public:
    explicit HomeView(Engine& engine)
        : View(engine.known(), engine.sources().loop), engine_(engine) {}
    [[nodiscard]] async::Task<WireReply> ask(Nexthop nexthop, config::Protocol protocol,
                                             std::string map, ClientId client) override {
        return engine_.reply(std::move(nexthop), protocol, std::move(map), client);
    }

  private:
    Engine& engine_;
};

class AwayView final : public View {
  public:
    // `home`: of the serving thread's loop.
    AwayView(Engine& engine, async::Remote<Engine>& remote, const async::Loop& loop,
             async::Home& home)
        : View(engine.known(), loop), remote_(remote), home_(home) {}
    [[nodiscard]] async::Task<WireReply> ask(Nexthop nexthop, config::Protocol protocol,
                                             std::string map, ClientId client) override;

  private:
    async::Remote<Engine>& remote_;
    async::Home& home_;
};

} // namespace postseal::engine
