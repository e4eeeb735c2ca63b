// SPDX-License-Identifier: BSD-3-Clause
#include "service/systemd.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

using namespace postseal;
using namespace std::chrono_literals;
using service::Systemd;

#ifdef POSTSEAL_SYSTEMD

namespace {

// The end of the socket that systemd reads.
struct Manager {
    Manager() : fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{.sun_family = AF_UNIX};
        const std::string name = "@postseal-test-" + std::to_string(::getpid());
        name.copy(address.sun_path, sizeof address.sun_path - 1);
        address.sun_path[0] = 0;
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;
    ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }
    std::string next() {
        char text[1000];
        const ssize_t got = ::recv(fd.get(), text, sizeof text, 0);
        return got < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(got));
    }
    async::Fd fd;
};

} // namespace

TEST_CASE("without systemd nothing is told and nothing kept") {
    Systemd systemd;
    CHECK_FALSE(systemd.active());
    CHECK_FALSE(systemd.keep("unix:/x", 0));
    CHECK_FALSE(systemd.watchdog());
    systemd.ready("all is well");
    std::vector<std::string> refused;
    CHECK(systemd.passed(refused).size() == 0);
    CHECK(refused.empty());
}

TEST_CASE("what is told is in systemd's words") {
    Manager manager;
    Systemd systemd;
    CHECK(systemd.active());
    systemd.ready("2 listeners");
    CHECK(manager.next() == "READY=1\nSTATUS=2 listeners");
    systemd.status("3 listeners");
    CHECK(manager.next() == "STATUS=3 listeners");
    systemd.reloading();
    const std::string reloading = manager.next();
    CHECK(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(std::stoll(reloading.substr(reloading.rfind('=') + 1)) > 0);
    systemd.alive();
    CHECK(manager.next() == "WATCHDOG=1");
    systemd.stopping();
    CHECK(manager.next().starts_with("STOPPING=1"));
}

TEST_CASE("listening sockets are stored by a name without colons") {
    Manager manager;
    Systemd systemd;
    CHECK(systemd.keep("inet:[::1]:8461", 0));
    CHECK(manager.next() == "FDSTORE=1\nFDNAME=inet_[__1]_8461");
    systemd.forget("unix:/run/a b");
    CHECK(manager.next() == "FDSTOREREMOVE=1\nFDNAME=unix_/run/a_b");
}

TEST_CASE("the watchdog's time is ours only if it is meant for us") {
    const Systemd systemd;
    ::setenv("WATCHDOG_USEC", "20000000", 1);
    CHECK(systemd.watchdog() == milliseconds(20'000));
    ::setenv("WATCHDOG_PID", "1", 1);
    CHECK_FALSE(systemd.watchdog());
    ::unsetenv("WATCHDOG_PID");
    ::unsetenv("WATCHDOG_USEC");
}

#endif
