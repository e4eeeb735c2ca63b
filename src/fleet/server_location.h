// fleet/server_location.h: where the shared store is: a connection URI of libpq
//
// (PostgreSQL's manual, section "Connection URIs".) It may have a password, so it is never shown
// itself.
// Thread: any.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postseal::fleet {

struct ServerLocation {
    std::string shown;              // without password: for logs and people
    std::vector<std::string> files; // that libpq reads: certificates, a password file
    std::string unverified;         // a host that could be anybody: TCP without verify-full
    // TCP ports of its hosts; empty: a service file or the environment says which.
    std::vector<std::uint16_t> ports;
};
// Error: a sentence about the key "store"; quotes nothing that may be a password.
[[nodiscard]] std::expected<ServerLocation, std::string>
parse_server_location(const std::string& uri);

// One of those that the URI lists; empty: the library's own default.
struct ServerHost {
    std::string host;
    std::string address; // hostaddr
    std::string port;

    friend bool operator==(const ServerHost&, const ServerHost&) = default;
};
struct ConnectOptions {
    std::vector<ServerHost> hosts;                           // in the URI's order, never empty
    std::vector<std::pair<std::string, std::string>> others; // libpq's names, and values
    std::optional<milliseconds> connect_timeout;             // the URI's, for each host
    bool verifies_server = false;                            // sslmode=verify-full
};
// Of a URI that parse_server_location() takes.
[[nodiscard]] ConnectOptions connect_options(const std::string& uri);

// To be kept out of whatever the library says.
[[nodiscard]] std::vector<std::string> passwords_of(const std::string& uri);

} // namespace postseal::fleet
