// SPDX-License-Identifier: BSD-3-Clause
#include "survey/dns_query.h"

#include "postseal/base/time.h"
#include "serve/socket.h"

#include <arpa/nameser.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <random>

namespace postseal::survey {
namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::expected<std::string, std::string>;

constexpr milliseconds longest_wait{5000};
constexpr int tries = 2;
constexpr std::size_t largest_reply = 4096;
constexpr std::size_t header_size = 12;
constexpr unsigned char truncated = 0x02; // TC, in the third byte
constexpr unsigned char response = 0x80;  // QR

std::string number(std::size_t value) {
    return {static_cast<char>(value >> 8U & 0xffU), static_cast<char>(value & 0xffU)};
}

std::string question(std::uint16_t id, std::string_view name, std::uint16_t type, Checking checking,
                     Recursion recursion) {
    using namespace std::string_view_literals;
    std::string out = number(id);
    out += recursion == Recursion::wanted ? '\x01' : '\0'; // RD
    out += checking == Checking::disabled ? '\x10' : '\0';
    out += "\0\1\0\0\0\0\0\1"sv; // a question, an additional record
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        out += static_cast<char>(label.size());
        out += label;
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    out += '\0';
    out += number(type);
    out += "\0\1"sv;                         // IN
    out += "\0\0\x29\x10\0\0\0\x80\0\0\0"sv; // OPT: 4096 bytes, DO
    return out;
}

std::expected<async::Fd, std::string> connect_to(const std::string& address, int type) {
    const auto at = address.find('@');
    const std::string host = address.substr(0, at);
    const std::string port = at == std::string::npos ? "53" : address.substr(at + 1);
    addrinfo hints{};
    hints.ai_socktype = type;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0)
        return std::unexpected("is not an address");
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
    async::Fd fd(::socket(found->ai_family, type | SOCK_CLOEXEC, 0));
    const timeval limit{.tv_sec = longest_wait.count() / 1000, .tv_usec = 0};
    if (fd.valid()) // of a connection by TCP
        ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (!fd.valid() || ::connect(fd.get(), found->ai_addr, found->ai_addrlen) != 0)
        return std::unexpected(std::strerror(errno));
    return fd;
}

bool answers(std::string_view bytes, std::uint16_t id) {
    return bytes.size() >= header_size && bytes.starts_with(number(id)) &&
           (static_cast<unsigned char>(bytes[2]) & response) != 0;
}

// Whether there is something to read before `end`.
bool readable(int fd, Clock::time_point end) {
    while (true) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
        if (left <= 0) return false;
        pollfd waiting{fd, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

// Error: an empty one if there is none in time. What is not a reply to the question is passed over.
Bytes wait_for_reply(int fd, std::uint16_t id) {
    const auto end = Clock::now() + longest_wait;
    while (readable(fd, end)) {
        std::string bytes(largest_reply, '\0');
        const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
        if (got < 0) return std::unexpected(std::strerror(errno));
        bytes.resize(static_cast<std::size_t>(got));
        if (answers(bytes, id)) return bytes;
    }
    return std::unexpected("");
}

Bytes by_udp(const std::string& address, const std::string& query, std::uint16_t id) {
    const auto fd = connect_to(address, SOCK_DGRAM);
    if (!fd) return std::unexpected(fd.error());
    for (int i = 0; i < tries; i++) {
        if (::send(fd->get(), query.data(), query.size(), MSG_NOSIGNAL) < 0)
            return std::unexpected(std::strerror(errno));
        auto reply = wait_for_reply(fd->get(), id);
        if (reply || !reply.error().empty()) return reply;
    }
    return std::unexpected(
        fmt::format("no answer within {} s", tries * longest_wait.count() / 1000));
}

Bytes by_tcp(const std::string& address, const std::string& query, std::uint16_t id) {
    const auto fd = connect_to(address, SOCK_STREAM);
    if (!fd) return std::unexpected(fd.error());
    const std::string framed = number(query.size()) + query;
    if (::send(fd->get(), framed.data(), framed.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(framed.size()))
        return std::unexpected(std::strerror(errno));
    const auto end = Clock::now() + longest_wait;
    std::string bytes;
    std::size_t wanted = 2; // the length, then as much
    while (bytes.size() < wanted) {
        if (!readable(fd->get(), end)) return std::unexpected("no answer over TCP");
        char some[largest_reply];
        const ssize_t got = ::recv(fd->get(), some, sizeof some, 0);
        if (got <= 0) return std::unexpected("no answer over TCP");
        bytes.append(some, static_cast<std::size_t>(got));
        if (bytes.size() >= 2)
            wanted = 2 + (static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8U |
                          static_cast<unsigned char>(bytes[1]));
    }
    bytes.resize(wanted);
    bytes.erase(0, 2);
    if (!answers(bytes, id)) return std::unexpected("an invalid answer over TCP");
    return bytes;
}

} // namespace

Bytes dns_query(const std::string& address, std::string_view name, std::uint16_t type,
                Checking checking, Recursion recursion) {
    const auto id = static_cast<std::uint16_t>(std::random_device{}());
    const std::string query = question(id, name, type, checking, recursion);
    auto reply = by_udp(address, query, id);
    if (!reply || (static_cast<unsigned char>((*reply)[2]) & truncated) == 0) return reply;
    return by_tcp(address, query, id);
}

std::string rcode_text(int rcode) {
    if (rcode == ns_r_servfail) return "SERVFAIL";
    if (rcode == ns_r_refused) return "REFUSED";
    return fmt::format("rcode {}", rcode);
}

} // namespace postseal::survey
