// SPDX-License-Identifier: BSD-3-Clause
#include "service/syscalls.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

using namespace postseal::service;

namespace {

// What each attempt's errno is behind the filter, in a process of its own; empty: there is none.
std::vector<int> behind(std::vector<int> (*attempts)()) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (restrict_calls())
            for (const int fault : attempts())
                if (::write(ends[1], &fault, sizeof fault) != sizeof fault) ::_exit(1);
        ::_exit(0);
    }
    ::close(ends[1]);
    std::vector<int> faults;
    for (int fault = 0; ::read(ends[0], &fault, sizeof fault) == sizeof fault;)
        faults.push_back(fault);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    return faults;
}

int fault_of(long result) { return result < 0 ? errno : 0; }

} // namespace

TEST_CASE("what could only be meant badly is refused, and kills nobody") {
    const auto faults = behind([] {
        return std::vector<int>{
            fault_of(::execl("/bin/true", "true", nullptr)),
            fault_of(::syscall(SYS_execveat, -1, "/bin/true", nullptr, nullptr, 0)),
            fault_of(::syscall(SYS_memfd_create, "x", 0)),
            fault_of(::syscall(SYS_io_uring_setup, 1, nullptr)),
            fault_of(::syscall(SYS_unshare, 0)),
            fault_of(::syscall(SYS_bpf, 0, nullptr, 0)),
            fault_of(::syscall(SYS_keyctl, 0, 0, 0)),
            fault_of(::syscall(SYS_capset, nullptr, nullptr)),
            fault_of(::syscall(SYS_clock_settime, CLOCK_REALTIME, nullptr)),
        };
    });
    if (faults.empty()) return; // no seccomp, or built without
    CHECK(faults == std::vector<int>(9, EPERM));
}

TEST_CASE("sockets for TCP, UDP and unix sockets only") {
    const auto faults = behind([] {
        std::vector<int> all;
        for (const int family :
             {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_AX25})
            all.push_back(fault_of(::socket(family, SOCK_DGRAM, 0)));
        all.push_back(fault_of(::socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)));
        all.push_back(fault_of(::socket(AF_INET, SOCK_STREAM, 262))); // IPPROTO_MPTCP
        return all;
    });
    if (faults.empty()) return;
    CHECK(faults == std::vector<int>{0, 0, 0, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT,
                                     EAFNOSUPPORT, 0, ENOSYS});
}

TEST_CASE("no memory is writable and executable, or becomes executable") {
    const auto faults = behind([] {
        std::vector<int> all;
        for (const int access : {PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, PROT_NONE,
                                 PROT_READ | PROT_WRITE | PROT_EXEC}) {
            void* memory = ::mmap(nullptr, 4096, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            all.push_back(memory == MAP_FAILED ? errno : 0);
        }
        void* memory = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        all.push_back(fault_of(::mprotect(memory, 4096, PROT_READ | PROT_WRITE)));
        all.push_back(fault_of(::mprotect(memory, 4096, PROT_READ | PROT_EXEC)));
        return all;
    });
    if (faults.empty()) return;
    CHECK(std::vector<int>(faults.begin(), faults.begin() + 3) == std::vector<int>(3, 0));
    CHECK((faults[3] == ENOSYS || faults[3] == 0 /* s390x */));
    CHECK(faults[4] == 0);
    CHECK(faults[5] == EPERM);
}

TEST_CASE("threads, files, names, addresses and the clock go on") {
    const auto faults = behind([] {
        int ran = 1;
        std::thread([&ran] { ran = 0; }).join();
        addrinfo hints{.ai_socktype = SOCK_STREAM};
        addrinfo* found = nullptr;
        const int looked_up = ::getaddrinfo("127.0.0.1", "25", &hints, &found);
        if (found != nullptr) ::freeaddrinfo(found);
        timex kernel{}; // asks whether the clock is synchronised, and sets nothing
        return std::vector<int>{ran, looked_up, fault_of(::open("/etc/passwd", O_RDONLY)),
                                fault_of(::syscall(SYS_clone3, nullptr, 0)) == ENOSYS ? 0 : 1,
                                fault_of(::adjtimex(&kernel))};
    });
    if (faults.empty()) return;
    CHECK(faults == std::vector<int>(5, 0));
}
