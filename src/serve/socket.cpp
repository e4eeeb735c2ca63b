// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socket.h"

#include <fmt/format.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace postseal::serve {
namespace {

constexpr int backlog = 1024;

std::unexpected<std::string> failed(const config::Address& address, int error) {
    std::string remedy;
    if (error == EADDRINUSE)
        remedy = ": is another postseald running? Stop it, or change [[listen]] address";
    if (error == EACCES)
        remedy = address.is_unix() ? ": make its folder writable for this user"
                                   : ": ports below 1024 need root or CAP_NET_BIND_SERVICE";
    if (error == EADDRNOTAVAIL) remedy = ": this machine does not have that address";
    if (error == ENOENT) remedy = ": its folder is not there; create it";
    return std::unexpected(
        fmt::format("cannot listen on {}: {}{}", address.text(), std::strerror(error), remedy));
}

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    return address;
}

bool somebody_listens(const sockaddr_un& address) {
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return probe.valid() && (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address),
                                       sizeof address) == 0 ||
                             errno == EAGAIN);
}

std::expected<void, std::string> set_owner(const config::Listen& listen) {
    const std::string& path = listen.address.path;
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    if (!listen.owner.empty()) {
        const passwd* user = ::getpwnam(listen.owner.c_str());
        if (user == nullptr)
            return std::unexpected(
                fmt::format("listen.owner: there is no user \"{}\"", listen.owner));
        uid = user->pw_uid;
    }
    if (!listen.group.empty()) {
        const group* grp = ::getgrnam(listen.group.c_str());
        if (grp == nullptr)
            return std::unexpected(
                fmt::format("listen.group: there is no group \"{}\"", listen.group));
        gid = grp->gr_gid;
    }
    if ((!listen.owner.empty() || !listen.group.empty()) && ::chown(path.c_str(), uid, gid) != 0)
        return std::unexpected(fmt::format("cannot give {} to {}:{}: {}", path, listen.owner,
                                           listen.group, std::strerror(errno)));
    if (::chmod(path.c_str(), listen.mode) != 0)
        return std::unexpected(
            fmt::format("cannot set the mode of {}: {}", path, std::strerror(errno)));
    return {};
}

std::expected<std::vector<Fd>, std::string> listen_unix(const config::Listen& listen) {
    const sockaddr_un address = unix_address(listen.address.path);
    struct stat info{};
    if (::lstat(address.sun_path, &info) == 0) {
        if (!S_ISSOCK(info.st_mode))
            return std::unexpected(
                fmt::format("cannot listen on {}: there is a file that is no socket; "
                            "move it away",
                            listen.address.text()));
        if (somebody_listens(address)) return failed(listen.address, EADDRINUSE);
        ::unlink(address.sun_path);
    }
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) return failed(listen.address, errno);
    // Nobody may connect before the mode is set.
    const mode_t before = ::umask(0177);
    const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::umask(before);
    if (bound != 0) return failed(listen.address, error);
    if (auto owned = set_owner(listen); !owned) return std::unexpected(owned.error());
    if (::listen(fd.get(), backlog) != 0) return failed(listen.address, errno);
    std::vector<Fd> fds;
    fds.push_back(std::move(fd));
    return fds;
}

std::expected<Fd, int> listen_inet(const addrinfo& address) {
    Fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) return std::unexpected(errno);
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.ai_family == AF_INET6)
        ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0) return std::unexpected(errno);
    if (::listen(fd.get(), backlog) != 0) return std::unexpected(errno);
    return fd;
}

} // namespace

void Fd::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::expected<std::vector<Fd>, std::string> listen_on(const config::Listen& listen) {
    if (listen.address.is_unix()) return listen_unix(listen);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(listen.address.port);
    if (const int rc = ::getaddrinfo(listen.address.host.c_str(), port.c_str(), &hints, &found);
        rc != 0)
        return std::unexpected(
            fmt::format("cannot listen on {}: {}: write an address of this machine",
                        listen.address.text(), ::gai_strerror(rc)));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
    std::vector<Fd> fds;
    for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
        auto fd = listen_inet(*address);
        if (!fd) return failed(listen.address, fd.error());
        fds.push_back(std::move(*fd));
    }
    return fds;
}

std::string peer_name(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    char host[NI_MAXHOST];
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "gone";
    if (address.ss_family == AF_UNIX) return "unix";
    if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, nullptr,
                      0, NI_NUMERICHOST) != 0)
        return "unknown";
    return host;
}

} // namespace postseal::serve
