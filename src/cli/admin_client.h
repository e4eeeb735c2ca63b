// cli/admin_client.h: one question to the daemon's admin socket
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"
#include "json/json.h"

#include <nlohmann/json.hpp>

#include <expected>
#include <string>

namespace postseal::cli {

struct ClientError {
    int status; // ExitStatus
    std::string text;
};

// The daemon answers within its deadline, which is at most 90 s.
inline constexpr seconds usual_patience{120};

// Blocks for so long at most. A reply {"ok":false} is an error. Control characters in its texts,
// but line feeds and tabs, are "?".
[[nodiscard]] std::expected<Json, ClientError>
ask_daemon(const std::string& socket, const Json& request, seconds patience = usual_patience);

} // namespace postseal::cli
