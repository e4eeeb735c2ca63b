// SPDX-License-Identifier: BSD-3-Clause
#include "support/udp_responder.h"

#include "support/rdata.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace postseal::test {
namespace {

void append_u16(std::string& out, unsigned value) {
    out += static_cast<char>(value >> 8U & 0xffU);
    out += static_cast<char>(value & 0xffU);
}

void append_u32(std::string& out, std::uint32_t value) {
    append_u16(out, value >> 16U);
    append_u16(out, value & 0xffffU);
}

void append_record(std::string& out, const UdpResponder::Record& record) {
    out += wire_name(record.owner);
    append_u16(out, record.type);
    append_u16(out, 1);
    append_u32(out, record.ttl);
    append_u16(out, static_cast<unsigned>(record.rdata.size()));
    out += record.rdata;
}

constexpr std::size_t header_size = 12;

} // namespace

UdpResponder::Socket::Socket() : fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
        throw std::runtime_error("no UDP socket on 127.0.0.1");
}

UdpResponder::Socket::~Socket() { ::close(fd); }

UdpResponder::UdpResponder(async::UvLoop& loop)
    : watch_(loop, socket_.fd, &UdpResponder::on_readable, this) {
    watch_.set(async::FdWatch::readable);
}

UdpResponder::~UdpResponder() = default;

std::string UdpResponder::address() const {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    ::getsockname(socket_.fd, reinterpret_cast<sockaddr*>(&address), &size);
    return fmt::format("127.0.0.1@{}", ntohs(address.sin_port));
}

void UdpResponder::on_readable(void* self, unsigned) {
    static_cast<UdpResponder*>(self)->answer_all();
}

void UdpResponder::answer_all() {
    std::array<char, 4096> buffer{};
    sockaddr_in from{};
    for (;;) {
        socklen_t size = sizeof(from);
        const auto got = ::recvfrom(socket_.fd, buffer.data(), buffer.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &size);
        if (got < static_cast<ssize_t>(header_size + 5)) return;
        received_++;
        const std::string_view query(buffer.data(), static_cast<std::size_t>(got));
        const std::string name = text_of_name(query.substr(header_size));
        const std::string question(query.substr(header_size, wire_name(name).size() + 4));
        const unsigned type = static_cast<unsigned char>(question[question.size() - 4]) << 8U |
                              static_cast<unsigned char>(question[question.size() - 3]);
        auto reply = replies_.find(fmt::format("{} {}", name, type));
        if (reply == replies_.end()) reply = replies_.find(fmt::format("* {}", type));
        if (reply == replies_.end()) continue;
        std::string out(query.substr(0, 2));
        append_u16(out, 0x8180U | reply->second.rcode);
        append_u16(out, 1);
        append_u16(out, static_cast<unsigned>(reply->second.answer.size()));
        append_u16(out, static_cast<unsigned>(reply->second.authority.size()));
        append_u16(out, 0);
        out += question;
        for (const Record& record : reply->second.answer)
            append_record(out, record);
        for (const Record& record : reply->second.authority)
            append_record(out, record);
        ::sendto(socket_.fd, out.data(), out.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
}

std::string soa(std::uint32_t minimum) {
    std::string out = wire_name("ns.example") + wire_name("admin.example");
    for (const std::uint32_t value : {1U, 3600U, 600U, 86400U, minimum})
        append_u32(out, value);
    return out;
}

} // namespace postseal::test
