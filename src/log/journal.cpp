// SPDX-License-Identifier: BSD-3-Clause
#include "log/journal.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace postseal::log {

bool is_journal(int fd, const char* journal_stream) {
    struct stat file{};
    return journal_stream != nullptr && ::fstat(fd, &file) == 0 &&
           fmt::format("{}:{}", file.st_dev, file.st_ino) == journal_stream;
}

std::expected<void, std::string> Journal::open() {
    close();
    const auto fault = [&](int error) {
        return std::unexpected(fmt::format("{}: {}", path_, std::strerror(error)));
    };
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path_.size() >= sizeof address.sun_path) return fault(ENAMETOOLONG);
    path_.copy(address.sun_path, path_.size());
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return fault(errno);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
    const int error = errno;
    close();
    return fault(error);
}

Journal::Sent Journal::send(std::string_view entry) {
    const auto sent = [&] { return ::send(fd_, entry.data(), entry.size(), MSG_NOSIGNAL) >= 0; };
    if (fd_ >= 0 && sent()) return Sent::yes;
    if (fd_ >= 0 && errno == EAGAIN) return Sent::full;
    // It may have been started again, with a new socket.
    if (!open()) return Sent::no;
    if (sent()) return Sent::yes;
    return errno == EAGAIN ? Sent::full : Sent::no;
}

void Journal::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

} // namespace postseal::log
