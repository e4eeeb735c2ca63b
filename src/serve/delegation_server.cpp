// SPDX-License-Identifier: BSD-3-Clause
#include "serve/delegation_server.h"

#include "postseal/wire/delegation.h"

#include <optional>
#include <utility>

namespace postseal::serve {
namespace {

std::optional<Nexthop> destination(const wire::delegation::Request& request) {
    if (request.request != wire::delegation::access_policy) return std::nullopt;
    const auto name = wire::delegation::domain_of(request.recipient);
    if (!name) return std::nullopt;
    auto domain = Domain::parse(*name);
    if (!domain) return std::nullopt;
    return Nexthop{.domain = std::move(*domain)};
}

} // namespace

Protocol::Step DelegationServer::step(std::string_view bytes, Connection& connection) {
    const wire::delegation::Scan scan = wire::delegation::scan(bytes);
    switch (scan.status) {
    case wire::Status::incomplete:
        return {};
    case wire::Status::malformed:
        return {.outcome = Outcome::malformed, .fault = scan.fault};
    case wire::Status::frame:
        break;
    }
    counters_.queries++;
    counters_.delegation++;
    auto nexthop = destination(scan.request);
    if (const auto variant = engine_.maps().delegation(); !variant) // it is about to go
        connection.reply(wire::delegation::action(verdict::dunno));
    else if (const Way way{config::Protocol::delegation, {}, *variant}; nexthop)
        answer_nexthop(engine_, counters_, connection, std::move(*nexthop), way);
    else
        answer_no_nexthop(engine_, counters_, connection, way);
    return {.outcome = Outcome::taken, .consumed = scan.consumed};
}

} // namespace postseal::serve
