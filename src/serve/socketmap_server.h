// serve/socketmap_server.h: socketmap_table(5) requests answered by the engine
//
// A cached answer is copied from the engine's memory into the connection's output: no allocation.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/answering.h"
#include "serve/connection.h"

#include <string>
#include <string_view>
#include <vector>

namespace postseal::serve {

class SocketmapServer final : public Protocol {
  public:
    // `allowed`: the maps this listener offers; empty: all.
    SocketmapServer(engine::Handle& engine_handle, Counters& counters,
                    std::vector<std::string> allowed)
        : engine_handle_(engine_handle), counters_(counters), allowed_(std::move(allowed)) {}
    void reconfigure(const config::Listen& listen) override { allowed_ = listen.maps; }

    Step step(std::string_view bytes, Connection& connection) override;

  private:
    [[nodiscard]] bool allows(std::string_view map) const;
    [[nodiscard]] std::string unknown_map(const engine::Maps& maps) const;

    engine::Handle& engine_handle_;
    Counters& counters_;
    std::vector<std::string> allowed_;
};

} // namespace postseal::serve
