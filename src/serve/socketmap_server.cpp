// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socketmap_server.h"

#include "postseal/wire/socketmap.h"

#include <algorithm>
#include <utility>

namespace postseal::serve {

SocketmapServer::SocketmapServer(engine::Engine& engine, Counters& counters,
                                 const std::vector<std::string>& allowed)
    : engine_(engine), counters_(counters), allowed_(allowed),
      not_found_(wire::socketmap::not_found()) {
    take_maps();
}

void SocketmapServer::reconfigure(const config::Listen& listen) {
    allowed_ = listen.maps;
    take_maps();
}

void SocketmapServer::take_maps() {
    taken_ = engine_.shared_maps();
    maps_.clear();
    std::string names;
    for (const auto& map : taken_->all()) {
        if (!allowed_.empty() && std::ranges::find(allowed_, map.first) == allowed_.end()) continue;
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
    if (&engine_.maps() != taken_.get()) take_maps();
    for (const auto& map : maps_) {
        if (map.first != scan.request.map) continue;
        answer(scan.request.key, map, connection);
        return taken;
    }
    counters_.unknown_map++;
    connection.reply(unknown_map_);
    return taken;
}

void SocketmapServer::answer(std::string_view key, const std::pair<std::string, std::size_t>& map,
                             Connection& connection) {
    if (const engine::Replies* replies = engine_.known(key)) {
        counters_.cached++;
        connection.reply((*replies)[map.second]);
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
        connection.reply((*replies)[map.second]);
        return;
    }
    counters_.looked_up++;
    const Connection::Place place = connection.reply_later();
    connection.start(answer_later(connection, place, std::move(*nexthop), map.first));
}

async::Task<> SocketmapServer::answer_later(Connection& connection, Connection::Place place,
                                            Nexthop nexthop, std::string map) {
    const auto answer = co_await engine_.answer(std::move(nexthop));
    // The maps may have changed meanwhile.
    const auto variant = answer->maps->find(map);
    connection.fulfil(place, variant ? (*answer->replies)[*variant] : unknown_map_);
}

} // namespace postseal::serve
