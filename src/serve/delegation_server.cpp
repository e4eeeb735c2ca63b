// SPDX-License-Identifier: BSD-3-Clause
#include "serve/delegation_server.h"

#include "postseal/wire/delegation.h"

#include <optional>
#include <utility>

namespace postseal::serve {
namespace {

// The recipient's domain as it is written there.
std::optional<std::string_view> destination(const wire::delegation::Request& request) {
    if (request.request != wire::delegation::access_policy) return std::nullopt;
    return wire::delegation::domain_of(request.recipient);
}

// Not "[mx.example.com]" or "example.com:587", which are keys too, but no domains.
bool may_be_key(std::string_view name) { return name.find_first_of("[:") == name.npos; }

void answer(Answering& answering, std::string_view name, const ReplyVariant& way) {
    // Most names are canonical already.
    if (may_be_key(name) && answering.known(name, way)) return;
    if (auto domain = Domain::parse(name))
        answering.nexthop({.domain = std::move(*domain)}, way);
    else
        answering.address(name, way);
}

} // namespace

Protocol::Step DelegationServer::step(std::string_view bytes, Connection& connection) {
    const wire::delegation::Scan scan = wire::delegation::scan(bytes);
    if (scan.status != wire::Status::frame) return step_without_frame(scan);
    counters_.queries++;
    counters_.delegation++;
    Answering answering(engine_handle_, counters_, connection);
    if (const auto variant = answering.maps().delegation(); !variant) // it is about to go
        connection.reply(wire::delegation::action(verdict::dunno));
    else if (const ReplyVariant way{config::Protocol::delegation, {}, *variant};
             const auto name = destination(scan.request))
        answer(answering, *name, way);
    else
        answering.no_nexthop(way);
    return {.outcome = Outcome::taken, .consumed = scan.consumed};
}

} // namespace postseal::serve
