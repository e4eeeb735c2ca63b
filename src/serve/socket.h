// serve/socket.h: listening on a configured address, and who is at a socket's other end
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/fd.h"
#include "config/config.h"

#include <sys/socket.h>
#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace postseal::serve {

using async::Fd;

// Bound, listening, non-blocking; a host name with several addresses gives several sockets. A unix
// socket file that nobody listens on any more is replaced; one in use is not, nor one of which it
// cannot be seen.
// What is inherited for the address is taken instead of bound.
// Errors: one sentence that names the address and the fix.
class Inherited;
[[nodiscard]] std::expected<std::vector<Fd>, std::string> listen_on(const config::Listen& listen,
                                                                    Inherited* inherited = nullptr);

// Who has connected to a unix socket, as of the connect(2).
struct Peer {
    uid_t uid;
    pid_t pid; // 0: in another namespace
};
[[nodiscard]] std::optional<Peer> peer_of(int fd);
// Who connects to the inherited listening socket from now on sees this process at its other end.
void vouch_for(int fd);
// By which the end of the process at the other end can be waited for: poll(2) finds it readable
// then. Not valid: it has ended, or is not a process of this namespace.
[[nodiscard]] Fd process_of(int fd);

// As config::Address writes it, in numbers; empty where it has no such form.
[[nodiscard]] std::string address_text(const sockaddr* address, socklen_t size);
[[nodiscard]] std::string local_address(int fd);

// Bound so that only this machine reaches it: a loopback address, or a unix socket.
[[nodiscard]] bool is_local(int fd);

// The other side, for the log: "127.0.0.1", "::1", or "unix".
[[nodiscard]] std::string peer_name(int fd);

} // namespace postseal::serve
