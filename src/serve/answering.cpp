// SPDX-License-Identifier: BSD-3-Clause
#include "serve/answering.h"

#include <string>
#include <utility>

namespace postseal::serve {
namespace {

async::Task<> answer_later(engine::View& view, Connection& connection, Connection::Place place,
                           Nexthop nexthop, config::Protocol protocol, std::string map) {
    const std::string reply =
        co_await view.ask(std::move(nexthop), protocol, std::move(map), &connection);
    connection.fulfil(place, reply);
}

} // namespace

bool Answering::known(std::string_view key, const Way& way) {
    const engine::CachedAnswer* answer = look_.find(key, view_.now());
    if (answer == nullptr) return false;
    counters_.cached++;
    connection_.reply(answer->at(way.variant));
    return true;
}

void Answering::key(std::string_view key, const Way& way) {
    // Most keys are canonical already.
    if (known(key, way)) return;
    if (auto nexthop = Nexthop::parse(key))
        this->nexthop(std::move(*nexthop), way);
    else
        no_nexthop(way);
}

void Answering::nexthop(Nexthop nexthop, const Way& way) {
    if (known(nexthop.key(), way)) return;
    counters_.looked_up++;
    const Connection::Place place = connection_.reply_later();
    connection_.start(answer_later(view_, connection_, place, std::move(nexthop), way.protocol,
                                   std::string(way.map)));
}

void Answering::no_nexthop(const Way& way) {
    counters_.no_nexthop++;
    connection_.reply(maps().no_nexthop_wire()[way.variant]);
}

} // namespace postseal::serve
