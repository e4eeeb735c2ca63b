// own_clock.so: a program whose wall clock is off by what a file says
//
//   LD_PRELOAD=own_clock.so OWN_CLOCK=FILE postseald ...
//
// FILE holds the seconds as a 64-bit integer in the machine's order, and may be changed at any
// time; it is mapped when the program starts. Stands in for clock_gettime(2) of CLOCK_REALTIME,
// gettimeofday(2) and time(2); and, if OWN_CLOCK_SYNCHRONISED is set, for adjtimex(2): the kernel
// then says that its clock is synchronised as long as it is right, whatever machine this is. Asks
// the kernel directly and allocates nothing: a sanitizer asks for the time before there is anything
// else.
// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const volatile std::int64_t* offset = nullptr;

struct Mapped {
    Mapped() {
        const char* path = std::getenv("OWN_CLOCK");
        const int fd = path != nullptr ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0) return;
        void* at = ::mmap(nullptr, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
        ::close(fd);
        if (at != MAP_FAILED) offset = static_cast<const volatile std::int64_t*>(at);
    }
};
const Mapped mapped;

} // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
    const auto rc = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
    const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (rc == 0 && wall && offset != nullptr) time->tv_sec += *offset;
    return rc;
}

extern "C" int gettimeofday(timeval* time, void*) noexcept {
    timespec now{};
    const int rc = clock_gettime(CLOCK_REALTIME, &now);
    *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return rc;
}

extern "C" time_t time(time_t* out) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) *out = now.tv_sec;
    return now.tv_sec;
}

extern "C" int adjtimex(timex* kernel) noexcept {
    const auto state = static_cast<int>(::syscall(SYS_adjtimex, kernel));
    if (state < 0 || offset == nullptr || std::getenv("OWN_CLOCK_SYNCHRONISED") == nullptr)
        return state;
    const bool right = *offset == 0;
    kernel->status = right ? kernel->status & ~STA_UNSYNC : kernel->status | STA_UNSYNC;
    return right ? TIME_OK : TIME_ERROR;
}
