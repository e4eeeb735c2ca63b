// serve/socketmap_server.h: socketmap_table(5) requests answered by the engine
//
// A cached answer is copied from the engine's memory into the connection's output: no allocation.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/answering.h"
#include "serve/connection.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::serve {

class SocketmapServer final : public Protocol {
  public:
    // `allowed`: the maps this listener offers; empty: all.
    SocketmapServer(engine::Engine& engine, Counters& counters,
                    const std::vector<std::string>& allowed);

    Step step(std::string_view bytes, Connection& connection) override;

  private:
    engine::Engine& engine_;
    Counters& counters_;
    std::vector<std::pair<std::string, std::size_t>> maps_; // name, variant
    std::string unknown_map_;                               // the reply
};

} // namespace postseal::serve
