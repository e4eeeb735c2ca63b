// SPDX-License-Identifier: BSD-3-Clause
#include "serve/tcp_table_server.h"

#include "postseal/wire/tcp_table.h"

namespace postseal::serve {

TcpTableServer::TcpTableServer(engine::Engine& engine, Counters& counters, std::size_t variant)
    : engine_(engine), counters_(counters), variant_(variant),
      no_put_(wire::tcp_table::not_found("this table cannot be written to")) {}

Protocol::Step TcpTableServer::step(std::string_view bytes, Connection& connection) {
    const wire::tcp_table::Scan scan = wire::tcp_table::scan(bytes);
    switch (scan.status) {
    case wire::Status::incomplete:
        return {};
    case wire::Status::malformed:
        return {.outcome = Outcome::malformed, .fault = scan.fault};
    case wire::Status::frame:
        break;
    }
    counters_.queries++;
    counters_.tcp_table++;
    if (scan.verb == wire::tcp_table::Verb::put)
        connection.reply(no_put_);
    else if (scan.key.find('%') == std::string_view::npos)
        answer_key(engine_, counters_, connection, scan.key, variant_);
    else
        answer_key(engine_, counters_, connection, wire::tcp_table::decode(scan.key), variant_);
    return {.outcome = Outcome::taken, .consumed = scan.consumed};
}

} // namespace postseal::serve
