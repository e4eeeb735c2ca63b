// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socketmap_server.h"

#include "postseal/wire/socketmap.h"

#include <algorithm>
#include <utility>

namespace postseal::serve {

SocketmapServer::SocketmapServer(engine::Engine& engine, Counters& counters,
                                 const std::vector<std::string>& allowed)
    : engine_(engine), counters_(counters), not_found_(wire::socketmap::not_found()) {
    std::string names;
    for (const auto& map : engine.maps().all()) {
        if (!allowed.empty() && std::ranges::find(allowed, map.first) == allowed.end()) continue;
        maps_.push_back(map);
        names += (names.empty() ? "" : ", ") + map.first;
    }
    unknown_map_ = wire::socketmap::perm("no such map here; there are: " + names);
}

Protocol::Step SocketmapServer::step(std::string_view bytes, Connection& connection) {
    const wire::socketmap::Scan scan = wire::socketmap::scan(bytes);
    switch (scan.status) {
    case wire::netstring::Status::incomplete:
        return {};
    case wire::netstring::Status::malformed:
        return {.outcome = Outcome::malformed, .fault = scan.fault};
    case wire::netstring::Status::frame:
        break;
    }
    counters_.queries++;
    const Step taken{.outcome = Outcome::taken, .consumed = scan.consumed};
    for (const auto& [name, variant] : maps_) {
        if (name != scan.request.map) continue;
        answer(scan.request.key, variant, connection);
        return taken;
    }
    counters_.unknown_map++;
    connection.reply(unknown_map_);
    return taken;
}

void SocketmapServer::answer(std::string_view key, std::size_t variant, Connection& connection) {
    if (const engine::Replies* replies = engine_.known(key)) {
        counters_.cached++;
        connection.reply((*replies)[variant]);
        return;
    }
    auto nexthop = Nexthop::parse(key);
    if (!nexthop) {
        counters_.no_nexthop++;
        connection.reply(not_found_);
        return;
    }
    if (const engine::Replies* replies = engine_.known(nexthop->key())) {
        counters_.cached++;
        connection.reply((*replies)[variant]);
        return;
    }
    counters_.looked_up++;
    const Connection::Place place = connection.reply_later();
    connection.start(answer_later(connection, place, std::move(*nexthop), variant));
}

async::Task<> SocketmapServer::answer_later(Connection& connection, Connection::Place place,
                                            Nexthop nexthop, std::size_t variant) {
    const auto answer = co_await engine_.answer(std::move(nexthop));
    connection.fulfil(place, (*answer->replies)[variant]);
}

} // namespace postseal::serve
