// fleet/place.h: where the shared store is: a connection URI of libpq
//
// (PostgreSQL's manual, section "Connection URIs".) It may have a password, so it is never shown
// itself. Thread: any.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace postseal::fleet {

struct Place {
    std::string shown;              // without password: for logs and people
    std::vector<std::string> files; // that libpq reads: certificates, a password file
};
// Error: a sentence about the key "store"; quotes nothing that may be a password.
[[nodiscard]] std::expected<Place, std::string> parse_place(const std::string& uri);

// To be kept out of whatever the library says.
[[nodiscard]] std::vector<std::string> passwords_of(const std::string& uri);

} // namespace postseal::fleet
