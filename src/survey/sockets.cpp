// SPDX-License-Identifier: BSD-3-Clause
#include "survey/sockets.h"

#include "serve/socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

namespace postseal::survey {
namespace {

constexpr timeval longest_connect{.tv_sec = 5, .tv_usec = 0};

// Empty: it was accepted.
std::string connect_fault(int family, const sockaddr* address, socklen_t size) {
    const async::Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return std::strerror(errno);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &longest_connect, sizeof longest_connect);
    if (::connect(fd.get(), address, size) == 0) return "";
    return errno == EINPROGRESS ? "no answer" : std::strerror(errno);
}

std::string unix_fault(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return "its path has more than 107 bytes";
    std::memcpy(address.sun_path, path.data(), path.size());
    return connect_fault(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

std::string inet_fault(const doctor::Endpoint& endpoint) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int fault =
            ::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &found);
        fault != 0)
        return ::gai_strerror(fault);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
    std::string fault;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        fault = connect_fault(one->ai_family, one->ai_addr, one->ai_addrlen);
        if (fault.empty()) break;
    }
    return fault;
}

std::vector<doctor::PathPart> parts_of(const std::string& path) {
    std::vector<doctor::PathPart> out;
    std::filesystem::path sofar;
    for (const auto& name : std::filesystem::path(path)) {
        sofar /= name;
        struct stat status{};
        if (::stat(sofar.c_str(), &status) != 0) break;
        out.push_back({sofar.string(), status.st_uid, status.st_gid, status.st_mode & 07777U});
    }
    return out;
}

} // namespace

std::string real_path(const std::string& path) {
    std::error_code fault;
    const auto real = std::filesystem::canonical(path, fault);
    return fault ? "" : real.string();
}

doctor::Reached reach(const doctor::Endpoint& endpoint) {
    if (!endpoint.is_unix()) return {inet_fault(endpoint), "", {}};
    doctor::Reached out{unix_fault(endpoint.path), real_path(endpoint.path), {}};
    if (!out.real_path.empty()) out.parts = parts_of(out.real_path);
    return out;
}

} // namespace postseal::survey
