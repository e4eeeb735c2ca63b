// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socketmap_server.h"

#include "postseal/wire/socketmap.h"

#include <algorithm>

namespace postseal::serve {

SocketmapServer::SocketmapServer(engine::Engine& engine, Counters& counters,
                                 const std::vector<std::string>& allowed)
    : engine_(engine), counters_(counters) {
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
    case wire::Status::incomplete:
        return {};
    case wire::Status::malformed:
        return {.outcome = Outcome::malformed, .fault = scan.fault};
    case wire::Status::frame:
        break;
    }
    counters_.queries++;
    counters_.socketmap++;
    const Step taken{.outcome = Outcome::taken, .consumed = scan.consumed};
    for (const auto& [name, variant] : maps_) {
        if (name != scan.request.map) continue;
        answer_key(engine_, counters_, connection, scan.request.key, variant);
        return taken;
    }
    counters_.unknown_map++;
    connection.reply(unknown_map_);
    return taken;
}

} // namespace postseal::serve
