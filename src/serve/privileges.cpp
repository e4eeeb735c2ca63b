// SPDX-License-Identifier: BSD-3-Clause
#include "serve/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace postseal::serve {

std::expected<void, std::string> switch_user(const std::string& user) {
    if (user.empty()) return {};
    const passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr)
        return std::unexpected(fmt::format(
            "user: there is no user \"{0}\"; add it (adduser --system --group {0})", user));
    if (::geteuid() == entry->pw_uid) return {};
    if (::geteuid() != 0)
        return std::unexpected(fmt::format(
            "user: only root can switch to \"{}\"; start as root or leave the key out", user));
    if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 ||
        ::setuid(entry->pw_uid) != 0)
        return std::unexpected(
            fmt::format("user: cannot switch to \"{}\": {}", user, std::strerror(errno)));
    return {};
}

} // namespace postseal::serve
