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

// How long a statement may take. What asks or changes a few rows is answered at once, or waits for
// a lock that somebody holds; all rows take their time.
inline constexpr milliseconds few_rows{10'000};
inline constexpr milliseconds all_rows{60'000};

struct SharedAccess {
    SharedAccess(const std::string& uri, fleet::ServerLocation where, milliseconds answer)
        : location(std::move(where)),
          store(uri, {.connect = milliseconds(10'000), .answer = answer}, interrupt) {}

    fleet::ServerLocation location;
    fleet::Interrupt interrupt;
    fleet::SharedStore store;
};

// By the key store of the configuration; nothing is connected yet.
[[nodiscard]] std::expected<std::unique_ptr<SharedAccess>, ClientError>
shared_access(const Common& common, milliseconds answer);

[[nodiscard]] ClientError client_error(const SharedAccess& shared, const fleet::Error& error);

} // namespace postseal::cli
