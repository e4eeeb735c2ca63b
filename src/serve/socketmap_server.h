// serve/socketmap_server.h: socketmap_table(5) requests answered by the engine
//
// A cached answer is copied from the engine's memory into the connection's output: no allocation.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "engine/engine.h"
#include "serve/connection.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::serve {

struct Counters {
    std::uint64_t queries = 0;
    std::uint64_t cached = 0;     // answered from memory
    std::uint64_t looked_up = 0;  // answered after a lookup
    std::uint64_t no_nexthop = 0; // the key is none: no policy, at once
    std::uint64_t unknown_map = 0;
};

class SocketmapServer final : public Protocol {
  public:
    // `allowed`: the maps this listener offers; empty: all.
    SocketmapServer(engine::Engine& engine, Counters& counters,
                    const std::vector<std::string>& allowed);
    void reconfigure(const config::Listen& listen) override;

    Step step(std::string_view bytes, Connection& connection) override;

  private:
    void take_maps();
    void answer(std::string_view key, const std::pair<std::string, std::size_t>& map,
                Connection& connection);
    async::Task<> answer_later(Connection& connection, Connection::Place place, Nexthop nexthop,
                               std::string map);

    engine::Engine& engine_;
    Counters& counters_;
    std::vector<std::string> allowed_;
    std::shared_ptr<const engine::Maps> taken_;             // the engine's, when maps_ was made
    std::vector<std::pair<std::string, std::size_t>> maps_; // name, variant
    std::string unknown_map_;                               // the reply
    std::string not_found_;                                 // the reply
};

} // namespace postseal::serve
