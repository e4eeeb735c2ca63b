// wire/netstring.h: netstrings (D. J. Bernstein), as socketmap_table(5) uses them: "5:hello,"
//
// scan() looks at the front of what has arrived so far and takes nothing away: the caller keeps the
// bytes until a frame is whole, so any split of a stream gives the same frames. Malformed (an empty
// or over-long length, a leading zero, a missing comma, a length over `limit`): the stream cannot
// be resynchronised, close the connection. It is said as soon as it is sure, not when the frame
// would have ended. No allocation; `payload` points into `bytes`.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/wire/status.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace postseal::wire::netstring {

using wire::Status;

struct Scan {
    Status status = Status::incomplete;
    std::string_view payload; // frame only
    std::size_t consumed = 0; // frame only: octets of `bytes` that the frame takes
    const char* fault = "";   // malformed only: why, a static string
};

[[nodiscard]] Scan scan(std::string_view bytes, std::size_t limit);

void append(std::string& out, std::string_view payload);

} // namespace postseal::wire::netstring
