// SPDX-License-Identifier: BSD-3-Clause
#include "serve/socket_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/sockios.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace postseal::serve {
namespace {

// Newer than the headers of Debian 12.
constexpr long fchmodat2_number = 452;
constexpr unsigned long bound_file = SIOCPROTOPRIVATE; // SIOCUNIXFILE of linux/un.h

// The kernel gives root (CAP_NET_ADMIN) the very file that the socket is bound to; others get what
// has its name, and can only change what is theirs.
Fd open_file(int bound, const std::string& path) {
    if (Fd file(::ioctl(bound, bound_file)); file.valid()) return file;
    return Fd(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

bool change_mode(int file, mode_t mode) {
    if (::syscall(fchmodat2_number, file, "", mode, AT_EMPTY_PATH) == 0) return true;
    if (errno != ENOSYS && errno != EINVAL && errno != EPERM) return false;
    // Before Linux 6.6: this link leads to what the descriptor stands for, not to its name. Who is
    // refused here, too, was refused above.
    return ::chmod(fmt::format("/proc/self/fd/{}", file).c_str(), mode) == 0;
}

const char* fix(int error) {
    return error == EPERM ? ": start as root, or let who makes the socket see to it" : "";
}

struct Owner {
    uid_t uid;
    gid_t gid;
};

std::expected<Owner, std::string> owner_of(const config::Listen& listen, Owner now) {
    Owner wanted = now;
    if (!listen.owner.empty()) {
        const passwd* user = ::getpwnam(listen.owner.c_str());
        if (user == nullptr)
            return std::unexpected(
                fmt::format("listen.owner: there is no user \"{}\"", listen.owner));
        wanted.uid = user->pw_uid;
    }
    if (!listen.group.empty()) {
        const group* grp = ::getgrnam(listen.group.c_str());
        if (grp == nullptr)
            return std::unexpected(
                fmt::format("listen.group: there is no group \"{}\"", listen.group));
        wanted.gid = grp->gr_gid;
    }
    return wanted;
}

} // namespace

std::expected<SocketFile, std::string> SocketFile::open(int bound, const std::string& path) {
    Fd file = open_file(bound, path);
    if (!file.valid())
        return std::unexpected(fmt::format("{} is gone: {}", path, std::strerror(errno)));
    struct stat info{};
    if (::fstat(file.get(), &info) != 0 || !S_ISSOCK(info.st_mode))
        return std::unexpected(fmt::format("{} is not a socket any more: somebody has put another "
                                           "file there; see who may write to its folder",
                                           path));
    return SocketFile(std::move(file), path, info.st_uid, info.st_gid, info.st_mode & 07777);
}

std::expected<void, std::string> SocketFile::set_owner(const config::Listen& listen) const {
    const auto wanted = owner_of(listen, {.uid = uid_, .gid = gid_});
    if (!wanted) return std::unexpected(wanted.error());
    if ((wanted->uid != uid_ || wanted->gid != gid_) &&
        ::fchownat(file_.get(), "", wanted->uid, wanted->gid, AT_EMPTY_PATH) != 0)
        return std::unexpected(fmt::format("cannot give {} to {}:{}: {}{}", path_, listen.owner,
                                           listen.group, std::strerror(errno), fix(errno)));
    if (mode_ != listen.mode && !change_mode(file_.get(), listen.mode))
        return std::unexpected(fmt::format("cannot set the mode of {} to {:04o}: {}{}", path_,
                                           listen.mode, std::strerror(errno), fix(errno)));
    return {};
}

void SocketFile::restore() const {
    if (::fchownat(file_.get(), "", uid_, gid_, AT_EMPTY_PATH) == 0)
        change_mode(file_.get(), mode_);
}

std::expected<void, std::string> check_folder(const std::string& path) {
    std::string folder = std::filesystem::path(path).parent_path().string();
    if (folder.empty()) folder = ".";
    struct stat info{};
    if (::stat(folder.c_str(), &info) != 0) return {}; // bind(2) says why
    if ((info.st_mode & S_IWOTH) == 0 || (info.st_mode & S_ISVTX) != 0) return {};
    return std::unexpected(
        fmt::format("anyone can write to {} and replace this socket with another: chmod o-w {}",
                    folder, folder));
}

} // namespace postseal::serve
