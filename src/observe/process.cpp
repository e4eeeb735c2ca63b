// SPDX-License-Identifier: BSD-3-Clause
#include "observe/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace postseal::observe {
namespace {

double in_seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::uint64_t resident() {
    std::uint64_t all = 0;
    std::uint64_t in_ram = 0; // pages
    std::ifstream("/proc/self/statm") >> all >> in_ram;
    return in_ram * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
    std::uint64_t count = 0;
    std::error_code fault;
    for (std::filesystem::directory_iterator at("/proc/self/fd", fault), end; !fault && at != end;
         at.increment(fault))
        count++;
    return count > 0 ? count - 1 : 0; // one was for the counting
}

} // namespace

Process this_process() {
    Process process{.resident_bytes = resident(), .open_fds = open_descriptors()};
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0)
        process.cpu_seconds = in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) process.max_fds = limit.rlim_cur;
    return process;
}

} // namespace postseal::observe
