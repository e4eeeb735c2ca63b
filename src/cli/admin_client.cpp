// SPDX-License-Identifier: BSD-3-Clause
#include "cli/admin_client.h"

#include "cli/exit_status.h"
#include "serve/socket.h"
#include "json/json.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace postseal::cli {
namespace {

// Who may, and the command that makes somebody one of them.
std::string who_may(const std::string& socket) {
    struct stat status{};
    const bool known = ::stat(socket.c_str(), &status) == 0;
    // Nobody is made a member of group root for this.
    const bool by_group = known && status.st_gid != 0 && (status.st_mode & S_IWGRP) != 0;
    const group* owner = by_group ? ::getgrgid(status.st_gid) : nullptr;
    if (owner == nullptr) return "; root may: use sudo";
    return fmt::format("; members of group {0} may: sudo adduser $USER {0}, then log in again; or "
                       "use sudo",
                       owner->gr_name);
}

// Commands that a lookup in this process can answer.
bool has_direct(const Json& request) {
    const std::string command = request.value("command", "");
    return command == "query" || command == "explain";
}

std::string why_not(const std::string& socket, int error, bool direct) {
    std::string fix;
    if (error == ENOENT || error == ECONNREFUSED)
        fix = fmt::format("; is postseald running? (--socket PATH names another socket{})",
                          direct ? ", --direct needs no daemon" : "");
    if (error == EACCES) fix = who_may(socket);
    return fmt::format("cannot talk to postseald at {}: {}{}", socket, std::strerror(error), fix);
}

std::expected<async::Fd, ClientError> connect_to(const std::string& socket, seconds patience,
                                                 bool direct) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.size() >= sizeof address.sun_path)
        return std::unexpected(
            ClientError{usage, "the path of a unix socket can have at most 107 bytes"});
    std::memcpy(address.sun_path, socket.data(), socket.size());
    async::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid())
        return std::unexpected(ClientError{unreachable, why_not(socket, errno, direct)});
    const timeval longest{.tv_sec = patience.count(), .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return std::unexpected(ClientError{unreachable, why_not(socket, errno, direct)});
    return fd;
}

bool send_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool read_line(int fd, std::string& line) {
    char buffer[16384];
    while (!line.ends_with('\n')) {
        const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) return false;
        line.append(buffer, static_cast<std::size_t>(got));
    }
    return true;
}

// But for what makes lines and columns. As UTF-8, which a JSON text is.
std::string without_controls(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); i++) {
        const auto octet = static_cast<unsigned char>(text[i]);
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
        const bool c1 = octet == 0xc2 && next >= 0x80 && next < 0xa0;
        const bool c0 = octet < 0x20 && octet != '\n' && octet != '\t';
        out += c0 || c1 || octet == 0x7f ? '?' : text[i];
        if (c1) i++;
    }
    return out;
}

// In names and values: whoever has got into the daemon's process must not steer the operator's
// terminal.
void remove_controls(Json& json) {
    if (json.is_string()) json = without_controls(json.get<std::string>());
    if (json.is_array())
        for (Json& one : json)
            remove_controls(one);
    if (!json.is_object()) return;
    Json clean = Json::object();
    for (auto& [name, value] : json.items()) {
        remove_controls(value);
        clean[without_controls(name)] = std::move(value);
    }
    json = std::move(clean);
}

} // namespace

std::expected<Json, ClientError> ask_daemon(const std::string& socket, const Json& request,
                                            seconds patience) {
    const auto fd = connect_to(socket, patience, has_direct(request));
    if (!fd) return std::unexpected(fd.error());
    std::string line;
    const std::string question = dumped(request) + "\n";
    if (!send_all(fd->get(), question) || !read_line(fd->get(), line))
        return std::unexpected(ClientError{
            unreachable,
            fmt::format("postseald at {} closed the connection without an answer", socket)});
    Json reply = Json::parse(line, nullptr, false);
    if (!reply.is_object())
        return std::unexpected(
            ClientError{unreachable, fmt::format("what answers at {} is not postseald", socket)});
    remove_controls(reply);
    if (reply.contains("ok") && reply["ok"] == true) return reply;
    const std::string error = text_of(reply, "error");
    return std::unexpected(ClientError{text_of(reply, "fault") == "config" ? bad_config : usage,
                                       error.empty() ? "refused without a reason" : error});
}

} // namespace postseal::cli
