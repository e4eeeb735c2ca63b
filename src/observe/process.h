// observe/process.h: what the kernel says of this process
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace postseal::observe {

struct Process {
    double cpu_seconds = 0; // user and system
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_fds = 0;
    std::uint64_t max_fds = 0;
};
// Reads /proc; what cannot be read is 0.
[[nodiscard]] Process this_process();

} // namespace postseal::observe
