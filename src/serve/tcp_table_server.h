// serve/tcp_table_server.h: tcp_table(5) for Postfix
//
// A request names no map, so a listener has one. No reply closes the connection on our side.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/answering.h"
#include "serve/connection.h"

#include <string>
#include <string_view>

namespace postseal::serve {

class TcpTableServer final : public Protocol {
  public:
    // `map` is one that the configuration offers by tcp_table.
    TcpTableServer(engine::Handle& engine_handle, Counters& counters, std::string map);
    void reconfigure(const config::Listen& listen) override { map_ = listen.maps.front(); }

    Step step(std::string_view bytes, Connection& connection) override;

  private:
    engine::Handle& engine_handle_;
    Counters& counters_;
    std::string map_;
    std::string no_put_; // the reply
};

} // namespace postseal::serve
