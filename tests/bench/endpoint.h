// bench/endpoint.h: "127.0.0.1:8461" or "/path/of/a/socket", for generator and ceiling server alike
//
// Whatever goes wrong ends the program with a sentence and status 1. Sockets are non-blocking.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace postseal::bench {

template <class... Args> [[noreturn]] void die(fmt::format_string<Args...> text, Args&&... args) {
    fmt::print(stderr, "bench: {}\n", fmt::format(text, std::forward<Args>(args)...));
    std::exit(1);
}
// Of the system call that just failed.
[[noreturn]] inline void die_of(const std::string& what) {
    die("{}: {}", what, std::strerror(errno));
}

class Endpoint {
  public:
    explicit Endpoint(const std::string& text) : text_(text) {
        if (text.starts_with('/')) {
            auto& to = reinterpret_cast<sockaddr_un&>(storage_);
            to.sun_family = AF_UNIX;
            if (text.size() >= sizeof to.sun_path) die("{}: too long for a unix socket", text);
            text.copy(to.sun_path, text.size());
            size_ = sizeof to;
            return;
        }
        auto& to = reinterpret_cast<sockaddr_in&>(storage_);
        const std::size_t colon = text.rfind(':');
        std::uint16_t port = 0;
        if (colon != std::string::npos)
            std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        if (port == 0 || ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &to.sin_addr) != 1)
            die("{} is neither ADDRESS:PORT nor a path", text);
        size_ = sizeof to;
    }

    [[nodiscard]] bool is_unix() const { return storage_.ss_family == AF_UNIX; }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const sockaddr* address() const {
        return reinterpret_cast<const sockaddr*>(&storage_);
    }
    [[nodiscard]] socklen_t size() const { return size_; }
    [[nodiscard]] int socket() const {
        const int fd = ::socket(storage_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) die_of("socket");
        return fd;
    }
    // Every answer is one write, so there is nothing to be gained by waiting for more.
    void no_delay(int fd) const {
        const int on = 1;
        if (!is_unix()) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

  private:
    std::string text_;
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

} // namespace postseal::bench
