// serve/local.h: a server on loopback and its clients, in one loop
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/block_on.h"
#include "serve/server.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::test {

struct Local {
    [[nodiscard]] static async::Fd tcp_socket(int flags) {
        async::Fd fd(::socket(AF_INET, SOCK_STREAM | flags, 0));
        if (!fd.valid()) throw std::runtime_error("no socket");
        return fd;
    }
    explicit Local(std::size_t limit = 100, std::size_t reply_memory = std::size_t{16} << 20U)
        : shared(loop, limit, reply_memory) {}

    // Serves on a port of its own from now on.
    void serve(std::unique_ptr<serve::Protocol> protocol,
               milliseconds idle = config::default_idle(config::Protocol::socketmap)) {
        async::Fd listener = tcp_socket(SOCK_NONBLOCK);
        sockaddr_in any{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
        REQUIRE(::listen(listener.get(), 100) == 0);
        socklen_t size = sizeof address;
        ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
        // A name of the kernel's choice, in no folder.
        async::Fd unix_listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
        REQUIRE(::bind(unix_listener.get(), reinterpret_cast<sockaddr*>(&unix_address),
                       sizeof unix_address.sun_family) == 0);
        REQUIRE(::listen(unix_listener.get(), 100) == 0);
        size = sizeof unix_address;
        ::getsockname(unix_listener.get(), reinterpret_cast<sockaddr*>(&unix_address), &size);
        unix_size = size;
        std::vector<async::Fd> listeners;
        listeners.push_back(std::move(listener));
        listeners.push_back(std::move(unix_listener));
        const config::Listen listen{.address = {.host = "127.0.0.1", .port = 1, .path = {}},
                                    .idle = idle};
        shared.on_room([this] { server->watch_listeners(); });
        server.emplace(
            std::vector{&station}, log, shared, listen, std::move(listeners),
            [&protocol](const config::Listen&, serve::Station&) { return std::move(protocol); });
    }
    // The same server's other clients, on a unix socket.
    [[nodiscard]] async::Fd connect_unix() const {
        async::Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
        REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&unix_address), unix_size) ==
                0);
        ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
        return fd;
    }
    [[nodiscard]] async::Fd connect(int receive_buffer = 0) {
        async::Fd fd = tcp_socket(0);
        if (receive_buffer > 0)
            ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
        return fd;
    }
    // Invalid: nobody listens there.
    [[nodiscard]] static async::Fd connect_to(const std::string& path) {
        async::Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un there{.sun_family = AF_UNIX};
        path.copy(there.sun_path, sizeof there.sun_path - 1);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) != 0) return {};
        ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
        return fd;
    }
    void turn(milliseconds span) {
        struct Wait {
            static async::Task<bool> run(async::UvLoop& loop, milliseconds span) {
                co_await async::Sleep(loop, span);
                co_return true;
            }
        };
        async::block_on(loop, Wait::run(loop, span));
    }
    // What arrives until `octets` are there, the other side closes, or 5 s pass.
    std::string read(const async::Fd& fd, std::size_t octets) {
        std::string got;
        char buffer[65536];
        for (int idle = 0; idle < 5000 && got.size() < octets;) {
            const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
            if (n > 0)
                got.append(buffer, static_cast<std::size_t>(n));
            else if (n == 0 || errno != EAGAIN)
                return got + "EOF";
            else {
                idle++;
                turn(milliseconds(1));
            }
        }
        return got;
    }
    static void write(const async::Fd& fd, std::string_view text) {
        REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(text.size()));
    }

    async::UvLoop loop;
    Log log{{.level = log::Level::error}};
    serve::Shared shared;
    serve::Station station{0, loop, nullptr};
    sockaddr_in address{};
    sockaddr_un unix_address{.sun_family = AF_UNIX};
    socklen_t unix_size = 0;
    std::optional<serve::Server> server;
};

} // namespace postseal::test
