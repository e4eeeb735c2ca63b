// wire/socketmap.h: requests and replies of socketmap_table(5)
//
// A request is the netstring "MAP SPACE KEY"; a reply is one netstring "OK value", "NOTFOUND ",
// "TEMP reason" or "PERM reason", exactly one a request, in order. Postfix 3.7 takes "OK" without a
// space as not found and any verb it does not know as an error, so every verb has its space.
// Reasons are made printable here and cut at 200 octets. A value that Postfix would refuse or
// misread becomes TEMP: an empty one, one that makes the reply longer than 100,000 octets, one that
// is not UTF-8, and one with a NUL, behind which Postfix 3.7 to 3.11 sees nothing.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/wire/netstring.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace postseal::wire::socketmap {

inline constexpr std::size_t max_query = 10'000;  // octets of a request's payload
inline constexpr std::size_t max_reply = 100'000; // Postfix's limit for a reply's payload

struct Request {
    std::string_view map;
    std::string_view key;
};

struct Scan {
    netstring::Status status = netstring::Status::incomplete;
    Request request;          // frame only; points into the bytes scanned
    std::size_t consumed = 0; // frame only
    const char* fault = "";
};

// A payload without a space, with an empty map name or a NUL is malformed: a Postfix never sends
// it. An empty key is a request like any other (its answer is NOTFOUND).
[[nodiscard]] Scan scan(std::string_view bytes);

// Whole replies, netstring and all, ready to be written.
[[nodiscard]] std::string ok(std::string_view value);
[[nodiscard]] std::string not_found();
[[nodiscard]] std::string temp(std::string_view reason);
[[nodiscard]] std::string perm(std::string_view reason);

} // namespace postseal::wire::socketmap
