// SPDX-License-Identifier: BSD-3-Clause
#include "serve/answering.h"

#include <string>
#include <utility>

namespace postseal::serve {
namespace {

bool answer_known(engine::Engine& engine, Counters& counters, Connection& connection,
                  std::string_view key, std::size_t variant) {
    const engine::Replies* replies = engine.known(key);
    if (replies == nullptr) return false;
    counters.cached++;
    connection.reply((*replies)[variant]);
    return true;
}

async::Task<> answer_later(engine::Engine& engine, Connection& connection, Connection::Place place,
                           Nexthop nexthop, config::Protocol protocol, std::string map) {
    const auto answer = co_await engine.answer(std::move(nexthop), &connection);
    // The maps may be others by now.
    if (const auto variant = answer->maps->variant(protocol, map))
        connection.fulfil(place, (*answer->replies)[*variant]);
    else
        connection.fulfil(place,
                          engine::to_wire({.kind = verdict::Reply::Kind::temp,
                                           .text = "the configuration has changed: ask again",
                                           .defect = {}},
                                          protocol));
}

} // namespace

void answer_key(engine::Engine& engine, Counters& counters, Connection& connection,
                std::string_view key, const Way& way) {
    // Most keys are canonical already.
    if (answer_known(engine, counters, connection, key, way.variant)) return;
    if (auto nexthop = Nexthop::parse(key))
        answer_nexthop(engine, counters, connection, std::move(*nexthop), way);
    else
        answer_no_nexthop(engine, counters, connection, way);
}

void answer_nexthop(engine::Engine& engine, Counters& counters, Connection& connection,
                    Nexthop nexthop, const Way& way) {
    if (answer_known(engine, counters, connection, nexthop.key(), way.variant)) return;
    counters.looked_up++;
    const Connection::Place place = connection.reply_later();
    connection.start(answer_later(engine, connection, place, std::move(nexthop), way.protocol,
                                  std::string(way.map)));
}

void answer_no_nexthop(engine::Engine& engine, Counters& counters, Connection& connection,
                       const Way& way) {
    counters.no_nexthop++;
    connection.reply(engine.maps().no_nexthop_wire()[way.variant]);
}

} // namespace postseal::serve
