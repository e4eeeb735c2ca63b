// wire/delegation.h: requests and replies of Postfix policy delegation (SMTPD_POLICY_README)
//
// A request is lines "name=value" up to an empty line; a reply is the line "action=..." and an
// empty line, one a request, in order. Attributes that are not known here are passed over. scan()
// looks at the front of what has arrived and takes nothing away, so any split of a stream gives the
// same requests. Malformed, which is said as soon as it is sure: a line without "=" or without a
// name, a name that begins with a digit (a netstring is a whole request of socketmap_table(5),
// whose client would wait for a reply), no attribute "request", "request" or "recipient" twice, a
// line of more than 8192 octets, a request of more than 256 lines or 32,768 octets.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/wire/status.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postseal::wire::delegation {

inline constexpr std::size_t max_line = 8192; // with the newline
inline constexpr std::size_t max_lines = 256; // with the empty one
inline constexpr std::size_t max_request = 32'768;
inline constexpr std::size_t max_action = 1000;

// The value of "request" that Postfix sends.
inline constexpr std::string_view access_policy = "smtpd_access_policy";

struct Request {
    std::string_view request;
    std::string_view recipient; // empty: none yet, or several (DATA, END-OF-MESSAGE)
};

struct Scan {
    Status status = Status::incomplete;
    Request request;          // frame only; points into the bytes scanned
    std::size_t consumed = 0; // frame only
    const char* fault = "";   // malformed only: why, a static string
};

[[nodiscard]] Scan scan(std::string_view bytes);

// What stands behind the last "@"; nothing where that is nothing.
[[nodiscard]] std::optional<std::string_view> domain_of(std::string_view recipient);

// A whole reply, ready to be written. What is not printable ASCII becomes "?", what is over
// max_action octets is cut.
[[nodiscard]] std::string action(std::string_view text);

} // namespace postseal::wire::delegation
