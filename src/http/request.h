// http/request.h: the requests of a client that may only read (RFC 9110, RFC 9112)
//
// scan() looks at the front of what has arrived and takes nothing away, so any split of a stream
// gives the same requests. A request ends with its head: one that brings a body is refused.
// malformed: refusal says with which status and why, and the connection must be closed, for what
// follows cannot be told from a body.
// Limits: head 16 KiB, request line 4 KiB. HTTP/1.1 and 1.0; GET and HEAD.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "http/parser.h"
#include "postseal/wire/status.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postseal::http {

inline constexpr std::size_t max_request_head = 16'384;
inline constexpr std::size_t max_request_line = 4'096;

struct Request {
    Method method = Method::get;
    std::string path;                // begins with '/'; percent-coded, without a query
    std::optional<std::string> host; // lower case, without port; of IPv6 with its brackets
    bool keep_alive = false;

    friend bool operator==(const Request&, const Request&) = default;
};

struct Refusal {
    unsigned status = 400;
    const char* text = ""; // a static clause
};

struct Scan {
    wire::Status status = wire::Status::incomplete;
    Request request;          // frame
    std::size_t consumed = 0; // frame
    Refusal refusal;          // malformed
};

[[nodiscard]] Scan scan(std::string_view bytes);

// %XX decoded; nothing: a code that is none.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view coded);

} // namespace postseal::http
