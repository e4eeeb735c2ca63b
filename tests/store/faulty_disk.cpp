// SPDX-License-Identifier: BSD-3-Clause
#include "store/faulty_disk.h"

#include <pthread.h>
#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <new>
#include <string_view>
#include <thread>

namespace postseal::test {
namespace {

sqlite3_vfs* real(sqlite3_vfs* vfs);
FaultyDisk& disk_of(sqlite3_vfs* vfs);

struct File {
    sqlite3_file base;
    FaultyDisk* disk;
    bool main;
    // The system's own file follows.
    sqlite3_file* inner() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* inner(sqlite3_file* file) { return of(file).inner(); }
const sqlite3_io_methods& methods(sqlite3_file* file) { return *inner(file)->pMethods; }

bool takes_one(std::atomic<int>& count) {
    int left = count.load();
    while (left > 0)
        if (count.compare_exchange_weak(left, left - 1)) return true;
    return false;
}

int read(sqlite3_file* file, void* into, int size, sqlite3_int64 at) {
    // What SQLite's own VFS makes of EIO.
    FaultyDisk& disk = *of(file).disk;
    if (of(file).main && !takes_one(disk.sound_reads) && takes_one(disk.failing_reads))
        return SQLITE_IOERR_CORRUPTFS;
    const int rc = methods(file).xRead(inner(file), into, size, at);
    if (const auto slow = of(file).disk->slow_reads_ms.load(); slow > 0) {
        char name[16] = {};
        ::pthread_getname_np(::pthread_self(), name, sizeof(name));
        if (std::string_view(name) == "store reads") {
            of(file).disk->slow_reads++;
            std::this_thread::sleep_for(std::chrono::milliseconds(slow));
        }
    }
    return rc;
}
int sync(sqlite3_file* file, int flags) {
    of(file).disk->syncs++;
    std::this_thread::sleep_for(std::chrono::milliseconds(of(file).disk->sync_takes_ms.load()));
    return methods(file).xSync(inner(file), flags);
}

const sqlite3_io_methods faulty{
    .iVersion = 2, // no memory map: each read is a read
    .xClose = [](sqlite3_file* f) { return methods(f).xClose(inner(f)); },
    .xRead = read,
    .xWrite = [](sqlite3_file* f, const void* from, int size,
                 sqlite3_int64 at) { return methods(f).xWrite(inner(f), from, size, at); },
    .xTruncate = [](sqlite3_file* f,
                    sqlite3_int64 size) { return methods(f).xTruncate(inner(f), size); },
    .xSync = sync,
    .xFileSize = [](sqlite3_file* f,
                    sqlite3_int64* size) { return methods(f).xFileSize(inner(f), size); },
    .xLock = [](sqlite3_file* f, int lock) { return methods(f).xLock(inner(f), lock); },
    .xUnlock = [](sqlite3_file* f, int lock) { return methods(f).xUnlock(inner(f), lock); },
    .xCheckReservedLock = [](sqlite3_file* f,
                             int* out) { return methods(f).xCheckReservedLock(inner(f), out); },
    .xFileControl = [](sqlite3_file* f, int op,
                       void* arg) { return methods(f).xFileControl(inner(f), op, arg); },
    .xSectorSize = [](sqlite3_file* f) { return methods(f).xSectorSize(inner(f)); },
    .xDeviceCharacteristics =
        [](sqlite3_file* f) { return methods(f).xDeviceCharacteristics(inner(f)); },
    .xShmMap =
        [](sqlite3_file* f, int page, int size, int extend, void volatile** at) {
            return methods(f).xShmMap(inner(f), page, size, extend, at);
        },
    .xShmLock = [](sqlite3_file* f, int offset, int n,
                   int flags) { return methods(f).xShmLock(inner(f), offset, n, flags); },
    .xShmBarrier = [](sqlite3_file* f) { methods(f).xShmBarrier(inner(f)); },
    .xShmUnmap = [](sqlite3_file* f, int remove) { return methods(f).xShmUnmap(inner(f), remove); },
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* at, int flags, int* out_flags) {
    File& file = *new (static_cast<void*>(at)) File{
        .base = {}, .disk = &disk_of(vfs), .main = (flags & SQLITE_OPEN_MAIN_DB) != 0};
    const int rc = real(vfs)->xOpen(real(vfs), name, file.inner(), flags, out_flags);
    if (file.inner()->pMethods != nullptr) file.base.pMethods = &faulty;
    return rc;
}

struct Vfs {
    sqlite3_vfs base;
    sqlite3_vfs* real;
    FaultyDisk* disk;
};
sqlite3_vfs* real(sqlite3_vfs* vfs) { return reinterpret_cast<Vfs*>(vfs)->real; }
FaultyDisk& disk_of(sqlite3_vfs* vfs) { return *reinterpret_cast<Vfs*>(vfs)->disk; }

} // namespace

FaultyDisk::FaultyDisk() {
    sqlite3_vfs* system = sqlite3_vfs_find("unix");
    auto* made = new Vfs{.base = *system, .real = system, .disk = this};
    made->base.zName = "faulty";
    made->base.pNext = nullptr;
    made->base.szOsFile = static_cast<int>(sizeof(File)) + system->szOsFile;
    made->base.xOpen = open;
    vfs_ = &made->base;
    sqlite3_vfs_register(vfs_, 1);
}

FaultyDisk::~FaultyDisk() {
    sqlite3_vfs_unregister(vfs_);
    sqlite3_vfs_register(sqlite3_vfs_find("unix"), 1);
    delete reinterpret_cast<Vfs*>(vfs_);
}

} // namespace postseal::test
