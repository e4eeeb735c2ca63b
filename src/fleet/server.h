// fleet/server.h: the shared store's server as it is found at start
//
// Opened before there is a loop or an own store, by which it is then used on another thread.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/server_location.h"
#include "fleet/shared_store.h"

#include <expected>
#include <memory>
#include <optional>
#include <string>

namespace postseal::fleet {

struct Server {
    ServerLocation location;
    Interrupt interrupt;
    SharedStore store;
    std::optional<Error> away; // why it could not be reached, or used, at start

    Server(const std::string& uri, ServerLocation where);
    // Blocks for some seconds a host at most. Error: a sentence that says why the URI is none.
    // A server that cannot be reached is not a reason for a relay not to start; nor are tables that
    // are missing or of another version: it goes on with its own database until that is fixed.
    [[nodiscard]] static std::expected<std::unique_ptr<Server>, std::string>
    open(const std::string& uri);
};

} // namespace postseal::fleet
