// own_disk.so: a program whose database is on a disk that is slow, full or damaged
//
//   LD_PRELOAD=own_disk.so OWN_DISK=FILE postseald ...
//
// Concerns files whose name contains "postseal.db"; all others are as ever. FILE holds four 32-bit
// integers in the machine's order, and may be changed at any time; it is mapped when the program
// starts:
//   sync_ms      milliseconds that fsync(2) and fdatasync(2) take; they end early if this is
//   lowered read_error   the errno of reads, 0: they succeed read_count   how many reads still fail
//   so; negative: all write_error  the errno of all that changes a file or makes one, 0: it
//   succeeds
// Asks the kernel directly and allocates nothing, as own_clock.cpp does.
// SPDX-License-Identifier: BSD-3-Clause

// Else pread would be another name for pread64, and both are stood in for.
#undef _FILE_OFFSET_BITS

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

struct Control {
    std::atomic<std::int32_t> sync_ms;
    std::atomic<std::int32_t> read_error;
    std::atomic<std::int32_t> read_count;
    std::atomic<std::int32_t> write_error;
};
static_assert(sizeof(Control) == 16);

Control* control = nullptr;
constexpr int max_files = 4096;
std::atomic<bool> concerned[max_files];

struct Mapped {
    Mapped() {
        const char* path = std::getenv("OWN_DISK");
        const int fd = path != nullptr ? ::open(path, O_RDWR | O_CLOEXEC) : -1;
        if (fd < 0) return;
        void* at = ::mmap(nullptr, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        if (at != MAP_FAILED) control = static_cast<Control*>(at);
    }
};
const Mapped mapped;

bool is_concerned(int fd) {
    return control != nullptr && fd >= 0 && fd < max_files &&
           concerned[fd].load(std::memory_order_relaxed);
}

int fault_of_read(int fd) {
    if (!is_concerned(fd)) return 0;
    const int error = control->read_error.load();
    if (error == 0 || control->read_count.load() == 0) return 0;
    if (control->read_count.load() > 0 && control->read_count.fetch_sub(1) <= 0) return 0;
    return error;
}

int fault_of_write(int fd) { return is_concerned(fd) ? control->write_error.load() : 0; }

// The errno is that of the fault, if there is one.
bool fails(int fault) {
    if (fault != 0) errno = fault;
    return fault != 0;
}

void wait_for_disk(int fd) {
    constexpr int step_ms = 20;
    if (!is_concerned(fd)) return;
    for (int waited = 0; waited < control->sync_ms.load(); waited += step_ms) {
        const timespec step{.tv_sec = 0, .tv_nsec = step_ms * 1'000'000L};
        ::syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &step, nullptr);
    }
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
    const bool ours = control != nullptr && std::strstr(path, "postseal.db") != nullptr;
    if (ours && (flags & O_CREAT) != 0) {
        struct stat found{};
        const bool makes = ::fstatat(folder, path, &found, 0) != 0;
        if (makes && fails(control->write_error.load())) return -1;
    }
    const auto fd = static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
    if (fd >= 0 && fd < max_files) concerned[fd].store(ours, std::memory_order_relaxed);
    return fd;
}

mode_t mode_of(int flags, va_list arguments) {
    const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return has_mode ? va_arg(arguments, mode_t) : 0;
}

} // namespace

extern "C" int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(AT_FDCWD, path, flags, mode);
}

extern "C" int open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

extern "C" ssize_t pread(int fd, void* to, size_t size, off_t at) {
    return fails(fault_of_read(fd)) ? -1 : ::syscall(SYS_pread64, fd, to, size, at);
}

extern "C" ssize_t pread64(int fd, void* to, size_t size, off64_t at) {
    return fails(fault_of_read(fd)) ? -1 : ::syscall(SYS_pread64, fd, to, size, at);
}

extern "C" ssize_t pwrite(int fd, const void* from, size_t size, off_t at) {
    return fails(fault_of_write(fd)) ? -1 : ::syscall(SYS_pwrite64, fd, from, size, at);
}

extern "C" ssize_t pwrite64(int fd, const void* from, size_t size, off64_t at) {
    return fails(fault_of_write(fd)) ? -1 : ::syscall(SYS_pwrite64, fd, from, size, at);
}

extern "C" int ftruncate(int fd, off_t size) noexcept {
    return fails(fault_of_write(fd)) ? -1 : static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

extern "C" int ftruncate64(int fd, off64_t size) noexcept {
    return fails(fault_of_write(fd)) ? -1 : static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

extern "C" int posix_fallocate64(int fd, off64_t at, off64_t size) {
    if (const int fault = fault_of_write(fd); fault != 0) return fault;
    return ::syscall(SYS_fallocate, fd, 0, at, size) == 0 ? 0 : errno;
}

extern "C" int fsync(int fd) {
    wait_for_disk(fd);
    return fails(fault_of_write(fd)) ? -1 : static_cast<int>(::syscall(SYS_fsync, fd));
}

extern "C" int fdatasync(int fd) {
    wait_for_disk(fd);
    return fails(fault_of_write(fd)) ? -1 : static_cast<int>(::syscall(SYS_fdatasync, fd));
}
