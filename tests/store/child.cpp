// SPDX-License-Identifier: BSD-3-Clause
#include "store/child.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <stdexcept>

namespace postseal::test {
namespace {

constexpr int no_mount = 42;

bool mount_disk(const std::string& folder, std::size_t size) {
    const std::string options = fmt::format("size={}", size);
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("postseal", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

[[noreturn]] void run_child(int out, const std::string& folder, std::size_t size,
                            const std::function<std::string()>& body) {
    if (!mount_disk(folder, size)) ::_exit(no_mount);
    std::string result;
    try {
        result = body();
    } catch (const std::exception& error) {
        result = error.what();
    }
    const bool told =
        ::write(out, result.data(), result.size()) == static_cast<ssize_t>(result.size());
    ::_exit(told ? 0 : 1);
}

} // namespace

std::optional<std::string> with_own_disk(const std::string& folder, std::size_t size,
                                         const std::function<std::string()>& body) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) run_child(ends[1], folder, size, body);
    ::close(ends[1]);
    std::string result;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
        result.append(buffer.data(), static_cast<std::size_t>(got));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == no_mount) return std::nullopt;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return "child died; " + result;
    return result;
}

bool set_read_only(const std::string& folder, bool read_only) {
    unsigned long flags = MS_REMOUNT;
    if (read_only) flags |= MS_RDONLY;
    return ::mount("postseal", folder.c_str(), "tmpfs", flags, nullptr) == 0;
}

void skipped(const char* why) { MESSAGE("SKIPPED: ", std::string(why)); }

} // namespace postseal::test
