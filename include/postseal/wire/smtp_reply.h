// wire/smtp_reply.h: one reply of an SMTP server (RFC 5321 sections 4.2 and 4.5.3.1.5)
//
// scan() looks at the front of what has arrived and takes nothing away, as netstring.h does. A
// reply is lines of a code, "-" or (the last one) " " or nothing, text, and CRLF; a bare LF ends a
// line too, as it does for Postfix. Every line must repeat the first one's code. Malformed: no such
// code, a line of more than 2,048 octets or more than 100 lines; said as soon as it is sure.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/wire/status.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::wire::smtp {

inline constexpr std::size_t max_line = 2'048;
inline constexpr std::size_t max_lines = 100;
inline constexpr std::size_t max_reply = max_line * max_lines;

struct Reply {
    int code = 0;
    std::vector<std::string> lines; // what follows the code, as it came, without line ends

    [[nodiscard]] bool positive() const { return code / 100 == 2; }
    // "454 4.7.0 TLS not available": on one line and printable.
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Reply&, const Reply&) = default;
};

struct Scan {
    Status status = Status::incomplete;
    Reply reply;              // frame only
    std::size_t consumed = 0; // frame only: octets that the reply takes
    const char* fault = "";   // malformed only: why, a static string
};

[[nodiscard]] Scan scan(std::string_view octets);

// The keyword is among an EHLO reply's lines behind the first (section 4.1.1.1), in any case.
[[nodiscard]] bool offers(const Reply& ehlo, std::string_view keyword);

} // namespace postseal::wire::smtp
