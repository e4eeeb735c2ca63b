// serve/transcript.h: a client's octets and the server's, byte for byte, however the former are cut
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "serve/local.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace postseal::test {

// What comes back for `request`, which is sent in two parts; "EOF" at its end if the server closes.
inline std::string exchange(Local& field, std::string_view request, std::size_t cut,
                            std::size_t octets) {
    const async::Fd client = field.connect();
    if (cut > 0) Local::write(client, request.substr(0, cut));
    if (cut > 0) field.turn(milliseconds(1)); // the first part arrives alone
    Local::write(client, request.substr(cut));
    return field.read(client, octets);
}

// `replies` is all that comes back, wherever the request is cut; ends in "EOF" if the server then
// closes, and is waited for, so give it.
inline void check_transcript(Local& field, std::string_view request, const std::string& replies) {
    CAPTURE(request);
    for (std::size_t cut = 0; cut < request.size(); cut++) {
        CAPTURE(cut);
        REQUIRE(exchange(field, request, cut, replies.size()) == replies);
    }
}

} // namespace postseal::test
