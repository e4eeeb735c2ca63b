// SPDX-License-Identifier: BSD-3-Clause
#include "serve/answering.h"

#include <string>
#include <utility>

namespace postseal::serve {
namespace {

async::Task<> answer_later(engine::Handle& engine_handle, Counters& counters,
                           Connection& connection, Connection::ReplySlot place, Nexthop nexthop,
                           config::Protocol protocol, std::string map) {
    engine::WireReply reply = co_await engine_handle.ask(nexthop, protocol, map, &connection);
    // A long reply behind others does not wait here: it is in memory when it is its turn.
    while (!connection.has_room(place, reply.text.size())) {
        reply.text = std::string();
        co_await Connection::Turn(connection, place);
        reply = co_await engine_handle.ask(nexthop, protocol, map, &connection);
    }
    counters.by_map.count(protocol, map, reply.cls,
                          reply.cls == verdict::Class::override_ ? Source::none : Source::lookup);
    connection.fulfil(place, reply.text);
}

} // namespace

bool Answering::known(std::string_view key, const ReplyVariant& way) {
    const cache::CachedAnswer* answer = snapshot_.find(key, engine_handle_.now());
    if (answer == nullptr) return false;
    counters_.cached++;
    counters_.by_map.count(way.protocol, way.map, answer->cls(), Source::memory);
    connection_.reply(answer->at(way.variant));
    return true;
}

void Answering::key(std::string_view key, const ReplyVariant& way) {
    // Most keys are canonical already.
    if (known(key, way)) return;
    if (auto nexthop = Nexthop::parse(key))
        this->nexthop(std::move(*nexthop), way);
    else
        address(key, way);
}

void Answering::address(std::string_view key, const ReplyVariant& way) {
    if (auto nexthop = snapshot_.address(key))
        this->nexthop(std::move(*nexthop), way);
    else
        no_nexthop(way);
}

void Answering::nexthop(Nexthop nexthop, const ReplyVariant& way) {
    if (known(nexthop.key(), way)) return;
    counters_.looked_up++;
    const Connection::ReplySlot place = connection_.reply_later();
    connection_.start(answer_later(engine_handle_, counters_, connection_, place,
                                   std::move(nexthop), way.protocol, std::string(way.map)));
}

void Answering::no_nexthop(const ReplyVariant& way) {
    counters_.no_nexthop++;
    counters_.by_map.count(way.protocol, way.map, std::nullopt, Source::none);
    connection_.reply(maps().no_nexthop_wire()[way.variant]);
}

} // namespace postseal::serve
