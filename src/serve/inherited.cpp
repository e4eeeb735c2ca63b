// SPDX-License-Identifier: BSD-3-Clause
#include "serve/inherited.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <utility>

namespace postseal::serve {
namespace {

constexpr std::string_view unix_prefix = "unix:";

bool has(int fd, int option, int wanted) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

bool is_gone(const std::string& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode);
}

} // namespace

std::expected<void, std::string> Inherited::add(Fd fd) {
    const std::string text = local_address(fd.get());
    if (!has(fd.get(), SO_TYPE, SOCK_STREAM) || !has(fd.get(), SO_ACCEPTCONN, 1) || text.empty())
        return std::unexpected(fmt::format("descriptor {} is not a listening stream socket{}{}",
                                           fd.get(), text.empty() ? "" : ": ", text));
    if (text.starts_with(unix_prefix) && is_gone(text.substr(unix_prefix.size())))
        return std::unexpected(fmt::format("the file of {} is gone", text));
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
    ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    sockets_.emplace(text, std::move(fd));
    return {};
}

Fd Inherited::take(const std::string& address) {
    auto node = sockets_.extract(address);
    return node ? std::move(node.mapped()) : Fd();
}

std::vector<std::string> Inherited::addresses() const {
    std::vector<std::string> out;
    out.reserve(sockets_.size());
    for (const auto& [address, fd] : sockets_)
        out.push_back(address);
    return out;
}

} // namespace postseal::serve
