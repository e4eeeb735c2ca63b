// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/server.h"

#include <utility>

namespace postseal::fleet {

Server::Server(const std::string& uri, ServerLocation where)
    : location(std::move(where)), store(uri, Limits{}, interrupt) {}

std::expected<std::unique_ptr<Server>, std::string> Server::open(const std::string& uri) {
    auto location = parse_server_location(uri);
    if (!location) return std::unexpected(std::move(location.error()));
    auto server = std::make_unique<Server>(uri, *std::move(location));
    if (auto checked = server->store.check(); !checked) server->away = std::move(checked.error());
    return server;
}

} // namespace postseal::fleet
