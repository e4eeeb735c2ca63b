// https/response.h: the answer of a policy host, read step by step (RFC 9112, RFC 8461 section 3.3)
//
// feed() takes the octets as they come, in pieces of any size; end() says that the peer has closed
// in an orderly way. The head is judged as soon as it is complete: a status other than 200 (a
// redirect too), a media type other than text/plain (of a field sent twice the first counts), a
// body that is announced too long or is coded (we ask for no coding: fault media_type) ends the
// reading without the body. Interim answers (1xx) are skipped. What follows a complete answer is
// not looked at. Limits: head 16 KiB, interim answers included; body 64 KiB; 1 MiB in all on the
// wire, which only chunks of a few octets each or endless trailers reach.
// Errors: fault and clause, without the host's name. After one, feed() must not be called again.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "https/policy_fetch.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postseal::https {

inline constexpr std::size_t max_head_size = 16'384;
inline constexpr std::size_t max_body_size = 65'536;
inline constexpr std::size_t max_wire_size = 1'048'576;

class ResponseParser {
  public:
    enum class State { more, complete, failed };

    ResponseParser();
    ResponseParser(const ResponseParser&) = delete;
    ResponseParser& operator=(const ResponseParser&) = delete;
    ~ResponseParser();

    State feed(std::string_view octets);
    State end();

    [[nodiscard]] const FetchError& error() const; // failed
    [[nodiscard]] std::string take_body();         // complete
    // complete: what is odd about the head and was passed over; empty: nothing.
    [[nodiscard]] std::string note() const;
    [[nodiscard]] std::optional<WallTime> date() const; // of the head, if it has a good one
    // How far the answer has come: "before the answer", "in the head", "in the body, after 12
    // octets".
    [[nodiscard]] std::string where() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace postseal::https
