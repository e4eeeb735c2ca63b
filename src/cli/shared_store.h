// cli/shared_store.h: the shared store, asked by the tool itself: no daemon is needed for it
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/admin_client.h"
#include "cli/options.h"
#include "fleet/server.h"

#include <expected>
#include <memory>
#include <string>

namespace postseal::cli {

struct SharedAccess {
    SharedAccess(const std::string& uri, fleet::Place where)
        : place(std::move(where)),
          store(uri, {.connect = milliseconds(10'000), .answer = milliseconds(60'000)}, interrupt) {
    }

    fleet::Place place;
    fleet::Interrupt interrupt;
    fleet::SharedStore store;
};

// By the key store of the configuration; nothing is connected yet.
[[nodiscard]] std::expected<std::unique_ptr<SharedAccess>, ClientError>
shared_access(const Common& common);

[[nodiscard]] ClientError client_error(const SharedAccess& shared, const fleet::Error& error);

} // namespace postseal::cli
