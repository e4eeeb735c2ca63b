// SPDX-License-Identifier: BSD-3-Clause
#include "service/predecessor.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace postseal::service {
namespace {

constexpr timeval patience_for_a_word{.tv_sec = 10, .tv_usec = 0};
constexpr int patience_for_its_end = 10'000; // ms
constexpr std::size_t most_received = 253;   // SCM_MAX_FD

std::expected<serve::Fd, int> connect_to(const std::string& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket.data(),
                std::min(socket.size(), sizeof address.sun_path - 1));
    serve::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return std::unexpected(errno);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience_for_a_word,
                 sizeof patience_for_a_word);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience_for_a_word,
                 sizeof patience_for_a_word);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return std::unexpected(errno);
    return fd;
}

std::vector<serve::Fd> descriptors_of(msghdr& message) {
    std::vector<serve::Fd> fds;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; i++) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            fds.emplace_back(fd);
        }
    }
    return fds;
}

} // namespace

Predecessor::Predecessor(std::string socket, serve::Fd connection)
    : socket_(std::move(socket)), connection_(std::move(connection)) {}

std::expected<std::optional<Predecessor>, std::string>
Predecessor::find(const std::string& socket) {
    auto connection = connect_to(socket);
    if (!connection && (connection.error() == ENOENT || connection.error() == ECONNREFUSED))
        return std::nullopt;
    if (!connection)
        return std::unexpected(
            fmt::format("cannot talk to the running daemon at {}: {}; take over as root or as its "
                        "own user",
                        socket, std::strerror(connection.error())));
    Predecessor predecessor(socket, *std::move(connection));
    if (auto got = predecessor.ask_for_listeners(); !got)
        return std::unexpected(std::move(got.error()));
    return predecessor;
}

std::expected<void, std::string> Predecessor::ask_for_listeners() {
    std::vector<serve::Fd> passed;
    if (auto sent = send("hand-over"); !sent) return sent;
    if (auto received = receive(passed); !received) return received;
    if (passed.empty())
        return std::unexpected(
            fmt::format("the running daemon at {} handed nothing over", socket_));
    process_ = std::move(passed.front());
    // What is of no use to us is bound anew or not wanted any more.
    for (auto fd = passed.begin() + 1; fd != passed.end(); ++fd)
        std::ignore = listeners_.add(std::move(*fd));
    return {};
}

std::expected<void, std::string> Predecessor::end() {
    std::vector<serve::Fd> none;
    if (auto sent = send("give-way"); !sent) return sent;
    if (auto received = receive(none); !received) return received;
    pollfd process{.fd = process_.get(), .events = POLLIN, .revents = 0};
    if (TEMP_FAILURE_RETRY(::poll(&process, 1, patience_for_its_end)) != 1)
        return std::unexpected(
            fmt::format("the daemon at {} was told to end and did not within 10 s", socket_));
    for (const std::string& left : listeners_.addresses())
        if (const auto address = config::parse_address(left); address && address->is_unix())
            ::unlink(address->path.c_str());
    listeners_ = serve::Inherited();
    return {};
}

std::expected<void, std::string> Predecessor::send(const std::string& command) {
    const std::string line = nlohmann::json{{"command", command}}.dump() + "\n";
    if (::send(connection_.get(), line.data(), line.size(), MSG_NOSIGNAL) ==
        static_cast<ssize_t>(line.size()))
        return {};
    return std::unexpected(
        fmt::format("cannot talk to the running daemon at {}: {}", socket_, std::strerror(errno)));
}

std::expected<void, std::string> Predecessor::receive(std::vector<serve::Fd>& passed) {
    std::string line;
    while (!line.ends_with('\n')) {
        char buffer[4096];
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_received)];
        iovec text{.iov_base = buffer, .iov_len = sizeof buffer};
        msghdr message{};
        message.msg_iov = &text;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t got =
            TEMP_FAILURE_RETRY(::recvmsg(connection_.get(), &message, MSG_CMSG_CLOEXEC));
        if (got <= 0)
            return std::unexpected(fmt::format(
                "the running daemon at {} ended the conversation without an answer", socket_));
        std::ranges::move(descriptors_of(message), std::back_inserter(passed));
        if ((message.msg_flags & MSG_CTRUNC) != 0)
            return std::unexpected("not all listening sockets arrived: raise the limit of open "
                                   "files");
        line.append(buffer, static_cast<std::size_t>(got));
    }
    const auto reply = nlohmann::json::parse(line, nullptr, false);
    if (reply.is_object() && reply.value("ok", false)) return {};
    return std::unexpected(fmt::format("the running daemon at {} does not give way: {}", socket_,
                                       reply.is_object() ? reply.value("error", "no reason given")
                                                         : "it is no postseald"));
}

} // namespace postseal::service
