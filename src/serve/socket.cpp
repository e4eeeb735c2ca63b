// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socket.h"

#include "serve/inherited.h"
#include "serve/socket_file.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace postseal::serve {
namespace {

constexpr int backlog = 1024;
constexpr int peer_pidfd = 77; // SO_PEERPIDFD, newer than the headers of Debian 12

std::unexpected<std::string> failed(const config::Address& address, int error) {
    std::string fix;
    if (error == EADDRINUSE)
        fix = ": is another postseald running? Stop it, or change [[listen]] address";
    if (error == EACCES)
        fix = address.is_unix() ? ": make its folder writable for this user"
                                : ": ports below 1024 need root or CAP_NET_BIND_SERVICE";
    if (error == EADDRNOTAVAIL) fix = ": this machine does not have that address";
    if (error == ENOENT) fix = ": its folder is not there; create it";
    return std::unexpected(
        fmt::format("cannot listen on {}: {}{}", address.text(), std::strerror(error), fix));
}

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    return address;
}

// Removes the file of a socket that nobody listens on any more: only that is refused. Whatever else
// connect(2) says, somebody may be there.
std::expected<void, std::string> remove_stale(const config::Address& where,
                                              const sockaddr_un& address) {
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe.valid()) return failed(where, errno);
    const auto* there = reinterpret_cast<const sockaddr*>(&address);
    const int error = ::connect(probe.get(), there, sizeof address) == 0 ? 0 : errno;
    if (error == 0 || error == EAGAIN) return failed(where, EADDRINUSE);
    if (error == ENOENT) return {};
    if (error != ECONNREFUSED)
        return std::unexpected(fmt::format("cannot listen on {}: cannot tell whether somebody "
                                           "listens there: {}; remove the file if it is a leftover",
                                           where.text(), std::strerror(error)));
    ::unlink(address.sun_path);
    return {};
}

std::expected<void, std::string> own(int fd, const config::Listen& listen) {
    const auto file = SocketFile::open(fd, listen.address.path);
    if (!file) return std::unexpected(file.error());
    return file->set_owner(listen);
}

std::expected<Fd, std::string> bind_unix(const config::Listen& listen) {
    const sockaddr_un address = unix_address(listen.address.path);
    if (auto good = check_folder(listen.address.path); !good)
        return std::unexpected(
            fmt::format("cannot listen on {}: {}", listen.address.text(), good.error()));
    struct stat info{};
    if (::lstat(address.sun_path, &info) == 0) {
        if (!S_ISSOCK(info.st_mode))
            return std::unexpected(fmt::format(
                "cannot listen on {}: there is a file that is not a socket; move it away",
                listen.address.text()));
        if (auto removed = remove_stale(listen.address, address); !removed)
            return std::unexpected(std::move(removed.error()));
    }
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) return failed(listen.address, errno);
    // Nobody may connect before the mode is set.
    const mode_t before = ::umask(0177);
    const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::umask(before);
    if (bound != 0) return failed(listen.address, error);
    auto ready = own(fd.get(), listen);
    if (ready && ::listen(fd.get(), backlog) != 0) ready = failed(listen.address, errno);
    if (ready) return fd;
    ::unlink(address.sun_path);
    return std::unexpected(std::move(ready.error()));
}

std::expected<std::vector<Fd>, std::string> listen_unix(const config::Listen& listen,
                                                        Inherited& inherited) {
    std::vector<Fd> fds;
    fds.push_back(inherited.take(listen.address.text()));
    if (fds.front().valid()) {
        if (auto owned = own(fds.front().get(), listen); !owned)
            return std::unexpected(owned.error());
        return fds;
    }
    auto fd = bind_unix(listen);
    if (!fd) return std::unexpected(std::move(fd.error()));
    fds.front() = std::move(*fd);
    return fds;
}

std::expected<Fd, int> listen_inet(const addrinfo& address, Inherited& inherited) {
    if (Fd fd = inherited.take(address_text(address.ai_addr, address.ai_addrlen)); fd.valid())
        return fd;
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

std::expected<std::vector<Fd>, std::string> listen_on(const config::Listen& listen,
                                                      Inherited* inherited) {
    Inherited none;
    if (inherited == nullptr) inherited = &none;
    if (listen.address.is_unix()) return listen_unix(listen, *inherited);
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
        auto fd = listen_inet(*address, *inherited);
        if (!fd) return failed(listen.address, fd.error());
        fds.push_back(std::move(*fd));
    }
    return fds;
}

std::optional<Peer> peer_of(int fd) {
    int family = 0;
    socklen_t size = sizeof family;
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 || family != AF_UNIX)
        return std::nullopt;
    ucred peer{};
    size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
    return Peer{.uid = peer.uid, .pid = peer.pid};
}

void vouch_for(int fd) {
    ::listen(fd, backlog); // sets what SO_PEERCRED says to those who connect (unix(7))
}

Fd process_of(int fd) {
    int process = -1;
    socklen_t size = sizeof process;
    if (::getsockopt(fd, SOL_SOCKET, peer_pidfd, &process, &size) == 0) return Fd(process);
    if (errno != ENOPROTOOPT) return {};
    const auto peer = peer_of(fd); // before Linux 6.5
    if (!peer || peer->pid <= 0) return {};
    return Fd(static_cast<int>(::syscall(SYS_pidfd_open, peer->pid, 0)));
}

std::string address_text(const sockaddr* address, socklen_t size) {
    config::Address out;
    if (address->sa_family == AF_UNIX) {
        const auto& local = *reinterpret_cast<const sockaddr_un*>(address);
        if (size <= offsetof(sockaddr_un, sun_path)) return "";
        out.path.assign(local.sun_path,
                        ::strnlen(local.sun_path, size - offsetof(sockaddr_un, sun_path)));
        return out.path.empty() ? "" : out.text();
    }
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (::getnameinfo(address, size, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return "";
    out.host = host;
    out.port = static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10));
    return out.text();
}

std::string local_address(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
    return address_text(reinterpret_cast<const sockaddr*>(&address), size);
}

bool is_local(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
    if (address.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
    if (address.ss_family == AF_INET)
        return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24U ==
               IN_LOOPBACKNET;
    return address.ss_family == AF_UNIX;
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
