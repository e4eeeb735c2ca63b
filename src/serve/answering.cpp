// SPDX-License-Identifier: BSD-3-Clause
#include "serve/answering.h"

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
                           Nexthop nexthop, std::size_t variant) {
    const auto answer = co_await engine.answer(std::move(nexthop));
    connection.fulfil(place, (*answer->replies)[variant]);
}

} // namespace

void answer_key(engine::Engine& engine, Counters& counters, Connection& connection,
                std::string_view key, std::size_t variant) {
    // Most keys are canonical already.
    if (answer_known(engine, counters, connection, key, variant)) return;
    if (auto nexthop = Nexthop::parse(key))
        answer_nexthop(engine, counters, connection, std::move(*nexthop), variant);
    else
        answer_no_nexthop(engine, counters, connection, variant);
}

void answer_nexthop(engine::Engine& engine, Counters& counters, Connection& connection,
                    Nexthop nexthop, std::size_t variant) {
    if (answer_known(engine, counters, connection, nexthop.key(), variant)) return;
    counters.looked_up++;
    const Connection::Place place = connection.reply_later();
    connection.start(answer_later(engine, connection, place, std::move(nexthop), variant));
}

void answer_no_nexthop(engine::Engine& engine, Counters& counters, Connection& connection,
                       std::size_t variant) {
    counters.no_nexthop++;
    connection.reply(engine.maps().no_nexthop_wire()[variant]);
}

} // namespace postseal::serve
