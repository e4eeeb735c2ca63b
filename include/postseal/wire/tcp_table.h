// wire/tcp_table.h: requests and replies of tcp_table(5)
//
// A request is the line "get KEY", a reply the line "200 VALUE", "500 REASON" (there is none) or
// "400 REASON" (ask again later), one a request, in order. In keys, values and reasons "%", white
// space and all that is not printable ASCII is written %XX. A line has at most 4096 octets with its
// newline; of a longer reply Postfix takes nothing, asks ten times and defers.
// scan() looks at the front of what has arrived and takes nothing away, so any split of a stream
// gives the same requests. "put KEY VALUE" is a request, too, to be refused. Malformed, which is
// said as soon as it is sure: any other word, a longer line, and a key with an octet that must be
// coded or a code that is none.
// A value that Postfix would refuse or misread becomes 400, as in socketmap.h.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/wire/status.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace postseal::wire::tcp_table {

inline constexpr std::size_t max_line = 4096;              // with the newline
inline constexpr std::size_t max_value = max_line - 4 - 1; // coded; "200 " and the newline

enum class Verb { get, put };

struct Scan {
    Status status = Status::incomplete;
    Verb verb = Verb::get;    // frame only
    std::string_view key;     // get only: as it came, coded; points into the bytes scanned
    std::size_t consumed = 0; // frame only
    const char* fault = "";   // malformed only: why, a static string
};

[[nodiscard]] Scan scan(std::string_view bytes);

// What a key means; `coded` has passed scan().
[[nodiscard]] std::string decode(std::string_view coded);

// Whole replies, newline and all, ready to be written. Reasons are at most 200 octets.
[[nodiscard]] std::string ok(std::string_view value);
[[nodiscard]] std::string not_found(std::string_view reason);
[[nodiscard]] std::string temp(std::string_view reason);

} // namespace postseal::wire::tcp_table
