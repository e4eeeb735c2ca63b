// tls/connect.h: a TCP connection to the first address that answers (RFC 8305, the simple part)
//
// IPv6 and IPv4 take turns, IPv6 first; the next address is tried when `head_start` has passed or
// an attempt has failed, and those in progress go on. The first to connect wins, the others are
// closed; so are all when the Task is destroyed. At most max_attempts addresses are tried.
// There is no time limit here (with_timeout).
// Error: connect, with each address and its cause.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/fd.h"
#include "async/task.h"
#include "async/uv_loop.h"
#include "tls/address.h"
#include "tls/fault.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <vector>

namespace postseal::tls {

inline constexpr std::size_t max_attempts = 8;
inline constexpr milliseconds default_head_start{250};

struct Connected {
    async::Fd socket; // non-blocking
    Address address;
};

// The order in which addresses are tried.
[[nodiscard]] std::vector<Address> take_turns(const std::vector<Address>& addresses);

[[nodiscard]] async::Task<std::expected<Connected, Error>>
connect(async::UvLoop& loop, std::vector<Address> addresses, std::uint16_t port,
        milliseconds head_start = default_head_start);

} // namespace postseal::tls
