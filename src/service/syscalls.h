// service/syscalls.h: which system calls the process may make from now on (seccomp(2))
//
// A list of what serving, resolving, fetching and storing need; sockets for TCP, UDP and UNIX only,
// new threads but no new processes, no memory that is writable and executable.
//
// Whatever else is asked for fails, and kills nobody: a library of a later release may ask for what
// this list does not have, and mail that waits at three in the morning is worse than a call that
// could have been caught. EPERM where it could only be meant badly (execve, memfd_create, io_uring,
// unshare, bpf, keyctl and the like), EAFNOSUPPORT for other sockets, else ENOSYS, as on a kernel
// that does not have it: what libraries have a second way for. The kernel's audit log has each
// (type=SECCOMP).
//
// A build with AddressSanitizer or ThreadSanitizer may make processes and ptrace(2) them, too: so
// leaks are found. Holds for the calling thread and all that it starts, so call it before the first
// thread. Needs no_new_privs.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <expected>
#include <string>

namespace postseal::service {

// Error: the kernel has no seccomp, or the program was built without libseccomp; nothing is
// restricted then.
[[nodiscard]] std::expected<void, std::string> restrict_calls();

} // namespace postseal::service
