// https/get.h: one GET over TLS (RFC 9110, RFC 9112), the answer read as response.h says
//
// No Accept-Encoding, no cookies, no cache (RFC 8461 section 3.3), one request a connection. The
// stream has made its handshake. The caller owns the parser, so that it can tell after a time-out
// how far the answer has come.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "https/response.h"
#include "tls/stream.h"

#include <expected>
#include <string>
#include <string_view>

namespace postseal::https {

inline constexpr std::string_view policy_path = "/.well-known/mta-sts.txt";

[[nodiscard]] std::string request_text(std::string_view host, std::string_view path);

// The body of a 200 answer in text/plain.
[[nodiscard]] async::Task<std::expected<std::string, FetchError>>
get(tls::Stream& stream, ResponseParser& parser, std::string host, std::string path);

} // namespace postseal::https
