// SPDX-License-Identifier: BSD-3-Clause
#include "engine/handles.h"

#include <utility>

namespace postseal::engine {

async::Task<WireReply> RemoteHandle::ask(Nexthop nexthop, config::Protocol protocol,
                                         std::string map, ClientId client) {
    async::Remote<Engine>::Work<WireReply> work = [nexthop = std::move(nexthop), protocol,
                                                   map = std::move(map),
                                                   client](async::UvLoop&, Engine& engine) mutable {
        return engine.reply(std::move(nexthop), protocol, std::move(map), client);
    };
    async::Remote<Engine>::Call<WireReply> call(remote_, home_, std::move(work));
    co_return co_await call;
}

} // namespace postseal::engine
