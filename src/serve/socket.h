// serve/socket.h: sockets as owned descriptors, and listening on a configured address
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace postseal::serve {

class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            close();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { close(); }
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    void close();

  private:
    int fd_ = -1;
};

// Bound, listening, non-blocking; a host name with several addresses gives several sockets. A unix
// socket file that nobody listens on any more is replaced, one in use is not.
// Errors: one sentence that names the address and the remedy.
[[nodiscard]] std::expected<std::vector<Fd>, std::string> listen_on(const config::Listen& listen);

// The other side, for the log: "127.0.0.1", "::1", or "unix".
[[nodiscard]] std::string peer_name(int fd);

} // namespace postseal::serve
