// SPDX-License-Identifier: BSD-3-Clause
#include "service/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace postseal::service {
namespace {

// What no program that it starts can get back. The kernel says where its capabilities end.
void drop_bounding_set() {
    for (int capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;)
        capability++;
}

} // namespace

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
    drop_bounding_set();
    // The last call takes the other capabilities, too (capabilities(7)).
    if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 ||
        ::setuid(entry->pw_uid) != 0)
        return std::unexpected(
            fmt::format("user: cannot switch to \"{}\": {}", user, std::strerror(errno)));
    return {};
}

void drop_capabilities() {
    if (::geteuid() == 0) return;
    drop_bounding_set(); // where it may
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    ::syscall(SYS_capset, &header, none);
}

void give_up_for_good() {
    ::umask(027);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void hide_memory() {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); // a core_pattern with a pipe does not ask for the limit
}

} // namespace postseal::service
