// SPDX-License-Identifier: BSD-3-Clause
#include "survey/name_server.h"

#include "serve/socket.h"

#include <arpa/nameser.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <expected>
#include <memory>
#include <random>
#include <string_view>

namespace postseal::survey {
namespace {

using Clock = std::chrono::steady_clock;
constexpr milliseconds longest_wait{5000};
constexpr int tries = 2;
constexpr std::size_t largest_reply = 4096;

enum class Checking { enabled, disabled }; // disabled: CD

std::string soa_of_root(std::uint16_t id, Checking checking) {
    using namespace std::string_view_literals;
    std::string out{static_cast<char>(id >> 8U), static_cast<char>(id & 0xffU)};
    out += '\x01'; // RD
    out += checking == Checking::disabled ? '\x10' : '\0';
    out += "\0\1\0\0\0\0\0\1"sv;             // a question, an additional record
    out += "\0\0\x06\0\x01"sv;               // "." SOA IN
    out += "\0\0\x29\x10\0\0\0\x80\0\0\0"sv; // OPT: 4096 octets, DO
    return out;
}

struct Reply {
    int rcode = 0;
    bool ad = false;
    std::optional<doctor::Signature> signature;
};

WallTime wall_time(unsigned long epoch) {
    return WallTime(seconds(static_cast<std::int64_t>(epoch)));
}

// RFC 4034 section 3.1: expiration at octet 8, inception at 12.
std::optional<doctor::Signature> signature_in(ns_msg& message) {
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        ns_rr record;
        if (ns_parserr(&message, ns_s_an, i, &record) != 0) return std::nullopt;
        if (ns_rr_type(record) != ns_t_rrsig || ns_rr_rdlen(record) < 18) continue;
        const unsigned char* data = ns_rr_rdata(record);
        return doctor::Signature{.inception = wall_time(ns_get32(data + 12)),
                                 .expiration = wall_time(ns_get32(data + 8))};
    }
    return std::nullopt;
}

std::optional<Reply> parse(const unsigned char* bytes, std::size_t size, std::uint16_t id) {
    ns_msg message;
    if (ns_initparse(bytes, static_cast<int>(size), &message) != 0) return std::nullopt;
    if (ns_msg_id(message) != id || ns_msg_getflag(message, ns_f_qr) == 0) return std::nullopt;
    return Reply{.rcode = ns_msg_getflag(message, ns_f_rcode),
                 .ad = ns_msg_getflag(message, ns_f_ad) != 0,
                 .signature = signature_in(message)};
}

std::expected<serve::Fd, std::string> connect_to(const std::string& address) {
    const auto at = address.find('@');
    const std::string host = address.substr(0, at);
    const std::string port = at == std::string::npos ? "53" : address.substr(at + 1);
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0)
        return std::unexpected("is no address");
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
    serve::Fd fd(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd.valid() || ::connect(fd.get(), found->ai_addr, found->ai_addrlen) != 0)
        return std::unexpected(std::strerror(errno));
    return fd;
}

// Error: an empty one if there is none in time. What is no reply to the question is passed over.
std::expected<Reply, std::string> wait_for_reply(int fd, std::uint16_t id) {
    const auto end = Clock::now() + longest_wait;
    while (true) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
        if (left <= 0) return std::unexpected("");
        pollfd waiting{fd, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(left)) <= 0) continue;
        unsigned char bytes[largest_reply];
        const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
        if (got < 0) return std::unexpected(std::strerror(errno));
        if (const auto reply = parse(bytes, static_cast<std::size_t>(got), id)) return *reply;
    }
}

std::expected<Reply, std::string> ask(const std::string& address, Checking checking) {
    const auto fd = connect_to(address);
    if (!fd) return std::unexpected(fd.error());
    const auto id = static_cast<std::uint16_t>(std::random_device{}());
    const std::string question = soa_of_root(id, checking);
    for (int i = 0; i < tries; i++) {
        if (::send(fd->get(), question.data(), question.size(), MSG_NOSIGNAL) < 0)
            return std::unexpected(std::strerror(errno));
        auto reply = wait_for_reply(fd->get(), id);
        if (reply || !reply.error().empty()) return reply;
    }
    return std::unexpected(
        fmt::format("no answer within {} s", tries * longest_wait.count() / 1000));
}

std::string rcode_text(int rcode) {
    if (rcode == ns_r_servfail) return "SERVFAIL";
    if (rcode == ns_r_refused) return "REFUSED";
    return fmt::format("rcode {}", rcode);
}

} // namespace

doctor::NameServer ask_name_server(const std::string& address) {
    doctor::NameServer out{.address = address};
    const auto reply = ask(address, Checking::enabled);
    if (!reply) {
        out.fault = reply.error();
        return out;
    }
    out.ad = reply->ad;
    out.signature = reply->signature;
    if (reply->rcode == ns_r_noerror) return out;
    out.fault = fmt::format("answers {} for the SOA record of the root", rcode_text(reply->rcode));
    if (const auto unchecked = ask(address, Checking::disabled))
        out.signature = unchecked->signature;
    return out;
}

} // namespace postseal::survey
