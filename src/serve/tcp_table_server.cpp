// SPDX-License-Identifier: BSD-3-Clause
#include "serve/tcp_table_server.h"

#include "postseal/wire/tcp_table.h"

#include <utility>

namespace postseal::serve {

TcpTableServer::TcpTableServer(engine::Handle& engine_handle, Counters& counters, std::string map)
    : engine_handle_(engine_handle), counters_(counters), map_(std::move(map)),
      no_put_(wire::tcp_table::not_found("this table cannot be written to")) {}

Protocol::Step TcpTableServer::step(std::string_view bytes, Connection& connection) {
    const wire::tcp_table::Scan scan = wire::tcp_table::scan(bytes);
    if (scan.status != wire::Status::frame) return step_without_frame(scan);
    counters_.queries++;
    counters_.tcp_table++;
    Answering answering(engine_handle_, counters_, connection);
    const auto variant = answering.maps().tcp_table(map_);
    if (scan.verb == wire::tcp_table::Verb::put) {
        connection.reply(no_put_);
    } else if (!variant) { // this listener is about to go
        connection.reply(wire::tcp_table::temp("the configuration has changed: ask again"));
    } else {
        const ReplyVariant way{config::Protocol::tcp_table, map_, *variant};
        if (scan.key.find('%') == std::string_view::npos)
            answering.key(scan.key, way);
        else
            answering.key(wire::tcp_table::decode(scan.key), way);
    }
    return {.outcome = Outcome::taken, .consumed = scan.consumed};
}

} // namespace postseal::serve
