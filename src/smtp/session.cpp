// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/session.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace postseal::smtp {
namespace {

std::string lost(int error) {
    return "the connection was lost: " + std::generic_category().message(error);
}

bool must_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

} // namespace

async::Task<Session::Result> Session::reply() {
    for (;;) {
        wire::smtp::Scan found = wire::smtp::scan(input_);
        if (found.status == wire::Status::malformed)
            co_return std::unexpected(std::string("no SMTP reply: ") + found.fault);
        if (found.status == wire::Status::frame) {
            input_.erase(0, found.consumed);
            co_return std::move(found.reply);
        }
        std::array<char, 4096> octets{};
        const ssize_t count = ::recv(fd_, octets.data(), octets.size(), 0);
        const int error = errno;
        if (count > 0) input_.append(octets.data(), static_cast<std::size_t>(count));
        if (count == 0) co_return std::unexpected("the server closed the connection");
        if (count < 0 && !must_wait(error) && error != EINTR)
            co_return std::unexpected(lost(error));
        if (count < 0) {
            co_await async::FdReady(loop_, fd_, async::FdWatch::readable);
        }
    }
}

async::Task<Session::Result> Session::command(std::string line) {
    line += "\r\n";
    std::string_view rest = line;
    while (!rest.empty()) {
        const ssize_t count = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
        const int error = errno;
        if (count > 0) rest.remove_prefix(static_cast<std::size_t>(count));
        if (count < 0 && !must_wait(error) && error != EINTR)
            co_return std::unexpected(lost(error));
        if (count < 0) {
            co_await async::FdReady(loop_, fd_, async::FdWatch::writable);
        }
    }
    co_return co_await reply();
}

void Session::quit() {
    constexpr std::string_view line = "QUIT\r\n";
    static_cast<void>(::send(fd_, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

} // namespace postseal::smtp
