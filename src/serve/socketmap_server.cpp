// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socketmap_server.h"

#include "postseal/base/text.h"
#include "postseal/wire/socketmap.h"

#include <algorithm>

namespace postseal::serve {

bool SocketmapServer::allows(std::string_view map) const {
    return allowed_.empty() || std::ranges::any_of(allowed_, [map](const std::string& name) {
               return equals_ignoring_case(name, map);
           });
}

std::string SocketmapServer::unknown_map(const engine::Maps& maps) const {
    std::string names;
    for (const auto& [name, variant] : maps.all())
        if (allows(name)) names += (names.empty() ? "" : ", ") + name;
    return wire::socketmap::perm("no such map here; there are: " + names);
}

Protocol::Step SocketmapServer::step(std::string_view bytes, Connection& connection) {
    const wire::socketmap::Scan scan = wire::socketmap::scan(bytes);
    if (scan.status != wire::Status::frame) return step_without_frame(scan);
    counters_.queries++;
    counters_.socketmap++;
    const Step taken{.outcome = Outcome::taken, .consumed = scan.consumed};
    Answering answering(engine_handle_, counters_, connection);
    const auto* map = answering.maps().named(scan.request.map);
    if (map != nullptr && allows(map->first)) {
        answering.key(scan.request.key, {config::Protocol::socketmap, map->first, map->second});
        return taken;
    }
    counters_.unknown_map++;
    connection.reply(unknown_map(answering.maps()));
    return taken;
}

} // namespace postseal::serve
