// cli/admin_client.h: one question to the daemon's admin socket
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json.hpp>

#include <expected>
#include <string>

namespace postseal::cli {

using Json = nlohmann::ordered_json;

struct ClientError {
    int status; // ExitStatus
    std::string text;
};

// Blocks for at most 120 s: the daemon answers within its deadline, which is at most 90 s. A reply
// {"ok":false} is an error.
[[nodiscard]] std::expected<Json, ClientError> ask_daemon(const std::string& socket,
                                                          const Json& request);

} // namespace postseal::cli
