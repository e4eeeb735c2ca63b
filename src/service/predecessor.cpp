// SPDX-License-Identifier: BSD-3-Clause
#include "service/predecessor.h"

#include "config/config.h"
#include "postseal/base/text.h"
#include "postseal/base/time.h"
#include "serve/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <thread>
#include <tuple>
#include <utility>

namespace postseal::service {
namespace {

constexpr timeval patience_for_a_word{.tv_sec = 10, .tv_usec = 0};
constexpr int patience_for_its_end = 10'000; // ms
constexpr std::chrono::seconds patience_for_a_line{20};
constexpr milliseconds lock_every{10};
constexpr std::size_t max_received = 253; // SCM_MAX_FD
constexpr std::size_t longest_line = 16'384;

std::expected<async::Fd, int> connect_to(const std::string& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket.data(),
                std::min(socket.size(), sizeof address.sun_path - 1));
    async::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return std::unexpected(errno);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience_for_a_word,
                 sizeof patience_for_a_word);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience_for_a_word,
                 sizeof patience_for_a_word);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return std::unexpected(errno);
    return fd;
}

std::vector<async::Fd> descriptors_of(msghdr& message) {
    std::vector<async::Fd> fds;
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

Predecessor::Predecessor(std::string socket, async::Fd connection)
    : socket_(std::move(socket)), connection_(std::move(connection)),
      process_(serve::process_of(connection_.get())) {}

std::expected<std::optional<Predecessor>, std::string> Predecessor::find(const std::string& socket,
                                                                         const std::string& user) {
    auto connection = connect_to(socket);
    if (!connection && (connection.error() == ENOENT || connection.error() == ECONNREFUSED))
        return std::nullopt;
    if (!connection)
        return std::unexpected(
            fmt::format("cannot talk to the running daemon at {}: {}; take over as root or as its "
                        "own user",
                        socket, std::strerror(connection.error())));
    Predecessor predecessor(socket, *std::move(connection));
    if (auto good = predecessor.check_owner(user); !good)
        return std::unexpected(std::move(good.error()));
    if (auto asked = predecessor.ask("hand-over"); !asked) {
        if (asked.error().over && predecessor.has_ended()) return std::nullopt;
        return std::unexpected(std::move(asked.error().text));
    }
    if (predecessor.passed_.empty()) { // it is ending
        if (predecessor.has_ended()) return std::nullopt;
        return std::unexpected(fmt::format("the running daemon at {} handed nothing over", socket));
    }
    // What is of no use to us is bound anew or not wanted any more.
    for (async::Fd& fd : predecessor.passed_)
        std::ignore = predecessor.listeners_.add(std::move(fd));
    predecessor.passed_.clear();
    return predecessor;
}

std::expected<void, std::string> Predecessor::check_owner(const std::string& user) const {
    const auto peer = serve::peer_of(connection_.get());
    const passwd* entry = user.empty() ? nullptr : ::getpwnam(user.c_str());
    if (peer && (peer->uid == 0 || peer->uid == ::geteuid() ||
                 (entry != nullptr && peer->uid == entry->pw_uid)))
        return {};
    return std::unexpected(
        fmt::format("{} is a socket of user {}, who is neither root nor the daemon's: remove it, "
                    "and see who may write to its folder",
                    socket_, peer ? static_cast<int>(peer->uid) : -1));
}

std::expected<void, std::string> Predecessor::end() {
    if (auto asked = ask("give-way"); !asked && !asked.error().over)
        return std::unexpected(std::move(asked.error().text));
    if (!has_ended())
        return std::unexpected(
            fmt::format("the daemon at {} was asked to end and did not within 10 s", socket_));
    for (const std::string& left : listeners_.addresses())
        if (const auto address = config::parse_address(left); address && address->is_unix())
            ::unlink(address->path.c_str());
    listeners_ = serve::Inherited();
    return {};
}

bool Predecessor::has_ended() const {
    if (!process_.valid()) return true;
    pollfd process{.fd = process_.get(), .events = POLLIN, .revents = 0};
    return TEMP_FAILURE_RETRY(::poll(&process, 1, patience_for_its_end)) == 1;
}

std::expected<void, Predecessor::Fault> Predecessor::ask(const char* command) {
    const std::string request = nlohmann::json{{"command", command}}.dump() + "\n";
    if (auto sent = send(request); !sent) return sent;
    const auto line = receive();
    if (!line) return std::unexpected(line.error());
    const auto reply = nlohmann::json::parse(*line, nullptr, false);
    const auto ok = reply.is_object() ? reply.find("ok") : reply.end();
    if (ok != reply.end() && *ok == true) return {};
    const auto error = reply.is_object() ? reply.find("error") : reply.end();
    const std::string why = !reply.is_object() ? "it is not postseald"
                            : error != reply.end() && error->is_string()
                                ? printable(error->get<std::string>(), 200)
                                : "no reason given";
    return std::unexpected(Fault{
        .text = fmt::format("the running daemon at {} does not hand over: {}", socket_, why)});
}

std::expected<void, Predecessor::Fault> Predecessor::send(const std::string& line) {
    if (::send(connection_.get(), line.data(), line.size(), MSG_NOSIGNAL) ==
        static_cast<ssize_t>(line.size()))
        return {};
    return std::unexpected(Fault{.over = errno == EPIPE || errno == ECONNRESET,
                                 .text = fmt::format("cannot talk to the running daemon at {}: {}",
                                                     socket_, std::strerror(errno))});
}

std::expected<std::string, Predecessor::Fault> Predecessor::receive() {
    const auto begun = std::chrono::steady_clock::now();
    std::string line;
    while (!line.ends_with('\n')) {
        char buffer[4096];
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_received)];
        iovec text{.iov_base = buffer, .iov_len = sizeof buffer};
        msghdr message{};
        message.msg_iov = &text;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t got =
            TEMP_FAILURE_RETRY(::recvmsg(connection_.get(), &message, MSG_CMSG_CLOEXEC));
        const bool over = got == 0 || (got < 0 && errno == ECONNRESET);
        if (got <= 0)
            return std::unexpected(
                Fault{.over = over,
                      .text = fmt::format("the running daemon at {} {}", socket_,
                                          over ? "closed the connection without an answer"
                                               : "does not answer")});
        std::ranges::move(descriptors_of(message), std::back_inserter(passed_));
        if ((message.msg_flags & MSG_CTRUNC) != 0)
            return std::unexpected(Fault{.text = "not all listening sockets arrived: raise the "
                                                 "limit of open files"});
        line.append(buffer, static_cast<std::size_t>(got));
        if (line.size() > longest_line || passed_.size() > max_received ||
            std::chrono::steady_clock::now() - begun > patience_for_a_line)
            return std::unexpected(Fault{
                .text = fmt::format(
                    "the running daemon at {} does not hand over: it is not postseald", socket_)});
    }
    return line;
}

void await_store(const std::string& folder) {
    const async::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) return; // who opens the store says why
    const auto begun = std::chrono::steady_clock::now();
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
           std::chrono::steady_clock::now() - begun < milliseconds(patience_for_its_end))
        std::this_thread::sleep_for(lock_every);
}

} // namespace postseal::service
