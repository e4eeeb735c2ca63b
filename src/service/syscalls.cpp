// SPDX-License-Identifier: BSD-3-Clause
#include "service/syscalls.h"

#ifdef POSTSEAL_SECCOMP

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <string_view>

namespace postseal::service {
namespace {

// By name: what an architecture does not have is passed over.
constexpr const char* allowed[] = {
    // files, within what Landlock and the modes allow
    "open",
    "openat",
    "close",
    "close_range",
    "read",
    "readv",
    "pread64",
    "preadv",
    "preadv2",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "lseek",
    "_llseek",
    "stat",
    "stat64",
    "lstat",
    "lstat64",
    "fstat",
    "fstat64",
    "newfstatat",
    "fstatat64",
    "statx",
    "statfs",
    "statfs64",
    "fstatfs",
    "fstatfs64",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getcwd",
    "getdents",
    "getdents64",
    "ftruncate",
    "ftruncate64",
    "truncate",
    "truncate64",
    "fallocate",
    "fadvise64",
    "fadvise64_64",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "flock",
    "fcntl",
    "fcntl64",
    "dup",
    "dup2",
    "dup3",
    "umask",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "rmdir",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "chown32",
    "lchown",
    "fchown",
    "fchown32",
    "fchownat",
    "utimensat",
    "ioctl",
    // memory; mmap(2) and mprotect(2) are below
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "mincore",
    "msync",
    "mlock",
    "munlock",
    "membarrier",
    // sockets; socket(2) itself is below, and never socketcall(2), whose arguments cannot be seen
    "socketpair",
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "send",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recv",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "recvmmsg_time64",
    "shutdown",
    // waiting
    "poll",
    "ppoll",
    "ppoll_time64",
    "select",
    "_newselect",
    "pselect6",
    "pselect6_time64",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_ctl_old",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd",
    "eventfd2",
    "pipe",
    "pipe2",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_settime64",
    "timerfd_gettime",
    "pidfd_open",
    // threads; clone(2) itself is below
    "futex",
    "futex_time64",
    "futex_waitv",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "set_tid_address",
    "set_thread_area",
    "get_thread_area",
    "arch_prctl",
    "prctl",
    "gettid",
    "tgkill",
    "exit",
    "exit_group",
    "sched_yield",
    "sched_getaffinity",
    "sched_setaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_setscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "getcpu",
    // signals
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigreturn",
    "rt_sigpending",
    "rt_sigtimedwait",
    "sigaltstack",
    "restart_syscall",
    // time and identity
    "clock_gettime",
    "clock_gettime64",
    "clock_getres",
    "clock_getres_time64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "nanosleep",
    "gettimeofday",
    "time",
    "times",
    "adjtimex", // whether the clock is synchronised; setting it takes a capability
    "clock_adjtime",
    "clock_adjtime64",
    "getpid",
    "getppid",
    "getpgrp",
    "getuid",
    "getuid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getegid",
    "getegid32",
    "getgroups",
    "getgroups32",
    "getresuid",
    "getresuid32",
    "getresgid",
    "getresgid32",
    "getrlimit",
    "ugetrlimit",
    "setrlimit",
    "prlimit64",
    "getrusage",
    "sysinfo",
    "uname",
    "getrandom",
    "capget",
};

constexpr const char* never[] = {
    "execve",
    "execveat",
    "fork",
    "vfork",
    "memfd_create",
    "memfd_secret",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "unshare",
    "setns",
    "bpf",
    "keyctl",
    "add_key",
    "request_key",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "pidfd_send_signal",
    "kill",
    "tkill",
    "userfaultfd",
    "perf_event_open",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsmount",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "personality",
    "open_by_handle_at",
    "name_to_handle_at",
    "mknod",
    "mknodat",
    "setuid",
    "setgid",
    "setgroups",
    "setresuid",
    "setresgid",
    "capset",
    "clock_settime",
    "clock_settime64",
    "settimeofday",
    "shmget",
    "msgget",
    "semget",
    "syslog",
};

// The report of leaks stops all threads from a process of its own.
constexpr const char* for_sanitizers[] = {"clone", "ptrace", "wait4"};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

constexpr std::uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
constexpr std::uint32_t unknown = SCMP_ACT_ERRNO(ENOSYS);

// The first error, as a negative errno.
class Rules {
  public:
    explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}
    template <class... Compare>
    void add(std::uint32_t action, const char* name, Compare... compare) {
        const int call = seccomp_syscall_resolve_name(name);
        if (call == __NR_SCMP_ERROR || error != 0) return;
        const int rc = seccomp_rule_add(filter_, action, call, sizeof...(compare), compare...);
        // One that an architecture lacks, or that only repeats the default.
        if (rc != 0 && rc != -EDOM && rc != -EACCES) error = rc;
    }
    int error = 0;

  private:
    scmp_filter_ctx filter_;
};

// TCP, UDP and unix sockets. Not MPTCP, which Landlock 7 does not see.
void add_sockets(Rules& rules) {
    constexpr std::uint32_t no_such_family = SCMP_ACT_ERRNO(EAFNOSUPPORT);
    static_assert(AF_UNIX == 1 && AF_INET == 2 && AF_INET6 == 10);
    rules.add(SCMP_ACT_ALLOW, "socket", SCMP_A0_32(SCMP_CMP_EQ, unsigned{AF_UNIX}));
    for (const unsigned family : {AF_INET, AF_INET6})
        for (const unsigned protocol : {0U, unsigned{IPPROTO_TCP}, unsigned{IPPROTO_UDP}})
            rules.add(SCMP_ACT_ALLOW, "socket", SCMP_A0_32(SCMP_CMP_EQ, family),
                      SCMP_A2_32(SCMP_CMP_EQ, protocol));
    rules.add(no_such_family, "socket", SCMP_A0_32(SCMP_CMP_EQ, 0U));
    for (unsigned family = AF_INET + 1; family < AF_INET6; family++)
        rules.add(no_such_family, "socket", SCMP_A0_32(SCMP_CMP_EQ, family));
    rules.add(no_such_family, "socket", SCMP_A0_32(SCMP_CMP_GT, unsigned{AF_INET6}));
}

// None that is writable and executable, nor executable later.
void add_memory(Rules& rules) {
    constexpr scmp_datum_t both = PROT_WRITE | PROT_EXEC;
    for (const char* name : {"mmap", "mmap2"})
        if (seccomp_arch_native() == SCMP_ARCH_S390X) // its arguments cannot be seen
            rules.add(SCMP_ACT_ALLOW, name);
        else
            for (const scmp_datum_t one : {PROT_NONE, PROT_WRITE, PROT_EXEC})
                rules.add(SCMP_ACT_ALLOW, name, SCMP_A2(SCMP_CMP_MASKED_EQ, both, one));
    rules.add(SCMP_ACT_ALLOW, "mprotect",
              SCMP_A2(SCMP_CMP_MASKED_EQ, scmp_datum_t{PROT_EXEC}, scmp_datum_t{0}));
    rules.add(refuse, "mprotect",
              SCMP_A2(SCMP_CMP_MASKED_EQ, scmp_datum_t{PROT_EXEC}, scmp_datum_t{PROT_EXEC}));
}

// Threads, not processes; s390x has the flags second. clone3(2), whose flags cannot be seen, does
// not exist: the C library uses clone(2) then.
void add_threads(Rules& rules) {
    constexpr scmp_datum_t thread = CLONE_THREAD;
    if (seccomp_arch_native() == SCMP_ARCH_S390X)
        rules.add(SCMP_ACT_ALLOW, "clone", SCMP_A1(SCMP_CMP_MASKED_EQ, thread, thread));
    else
        rules.add(SCMP_ACT_ALLOW, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
}

} // namespace

std::expected<void, std::string> restrict_calls() {
    // By prctl(2), libseccomp's second way, it would bind valgrind, which has no seccomp(2), too.
    std::uint32_t action = SECCOMP_RET_ERRNO;
    if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0)
        return std::unexpected(fmt::format("seccomp(2): {}", std::strerror(errno)));
    const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(unknown),
                                                                   &seccomp_release);
    if (!filter) return std::unexpected("libseccomp: no memory");
    seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, refuse);
    // Where the kernel can (4.14), so that what is missing here can be found.
    seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_LOG, 1);
    Rules rules(filter.get());
    for (const char* name : allowed)
        rules.add(SCMP_ACT_ALLOW, name);
    for (const char* name : never)
        if (!sanitized ||
            std::ranges::find(for_sanitizers, std::string_view(name)) == std::end(for_sanitizers))
            rules.add(refuse, name);
    add_sockets(rules);
    add_memory(rules);
    if (!sanitized) add_threads(rules);
    if (sanitized)
        for (const char* name : for_sanitizers)
            rules.add(SCMP_ACT_ALLOW, name);
    if (rules.error == 0) rules.error = seccomp_load(filter.get());
    if (rules.error == 0) return {};
    return std::unexpected(fmt::format("seccomp(2): {}", std::strerror(-rules.error)));
}

} // namespace postseal::service

#else

namespace postseal::service {

std::expected<void, std::string> restrict_calls() {
    return std::unexpected("built without libseccomp");
}

} // namespace postseal::service

#endif
