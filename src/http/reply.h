// http/reply.h: a whole reply as it goes over the wire (RFC 9110, RFC 9112)
//
// Every reply says that it is kept by nobody, taken for nothing but what it is, and framed nowhere:
// what a browser needs to hear of a service on loopback.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "http/parser.h"
#include "postseal/base/time.h"

#include <string>
#include <string_view>

namespace postseal::http {

inline constexpr std::string_view text_plain = "text/plain; charset=utf-8";
inline constexpr std::string_view application_json = "application/json";
// A policy for what is not a page: nothing may be loaded or run.
inline constexpr std::string_view nothing_allowed =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

struct Reply {
    unsigned status = 200;
    std::string_view type = text_plain;
    std::string_view body;
    std::string_view content_policy = nothing_allowed; // Content-Security-Policy
};

// What the client is told of its connection, and whether it gets the body.
struct Manner {
    Method method = Method::get;
    bool keep_alive = false;
};

[[nodiscard]] std::string to_wire(const Reply& reply, const Manner& manner, WallTime now);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7)
[[nodiscard]] std::string date(WallTime time);

} // namespace postseal::http
