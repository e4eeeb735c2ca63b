// smtp/session.h: the client's side of SMTP on a connected socket, before TLS (RFC 5321)
//
// A command goes out, a reply comes back; there is no pipelining.
// Errors: a clause for an operator: the connection was lost, or what came is not a reply
// (wire/smtp_reply.h), after which the session is over. The descriptor is borrowed. One call at a
// time; no time limit here.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "async/uv_loop.h"
#include "postseal/wire/smtp_reply.h"

#include <expected>
#include <string>
#include <string_view>

namespace postseal::smtp {

class Session {
  public:
    using Result = std::expected<wire::smtp::Reply, std::string>;

    Session(async::UvLoop& loop, int fd) : loop_(loop), fd_(fd) {}

    [[nodiscard]] async::Task<Result> reply(); // the next one; first of all the greeting
    [[nodiscard]] async::Task<Result> command(std::string line); // without its CRLF
    // What arrived behind the last reply. Behind the one to STARTTLS nothing should, and nothing of
    // it may count as said within TLS (CVE-2011-0411).
    [[nodiscard]] std::string_view pending() const { return input_; }
    // QUIT, if it can be sent at once; nobody waits for the answer.
    void quit();

  private:
    async::UvLoop& loop_;
    int fd_;
    std::string input_;
};

} // namespace postseal::smtp
