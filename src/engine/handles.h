// engine/handles.h: the engine seen from its own thread, and from another
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/remote.h"
#include "engine/engine.h"
#include "engine/handle.h"

namespace postseal::engine {

class LocalHandle final : public Handle {
  public:
    explicit LocalHandle(Engine& engine)
        : Handle(engine.answer_memory(), engine.dependencies().loop), engine_(engine) {}
    [[nodiscard]] async::Task<WireReply> ask(Nexthop nexthop, config::Protocol protocol,
                                             std::string map, ClientId client) override {
        return engine_.reply(std::move(nexthop), protocol, std::move(map), client);
    }

  private:
    Engine& engine_;
};

class RemoteHandle final : public Handle {
  public:
    // `home`: of the serving thread's loop.
    RemoteHandle(Engine& engine, async::Remote<Engine>& remote, const async::Loop& loop,
                 async::Home& home)
        : Handle(engine.answer_memory(), loop), remote_(remote), home_(home) {}
    [[nodiscard]] async::Task<WireReply> ask(Nexthop nexthop, config::Protocol protocol,
                                             std::string map, ClientId client) override;

  private:
    async::Remote<Engine>& remote_;
    async::Home& home_;
};

} // namespace postseal::engine
