// store/faulty_disk.h: a disk that is slow to write, or of which reads fail
//
// While it lives SQLite's files are opened through it (a VFS around the system's own). Its members
// are for any thread.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <atomic>
#include <cstdint>

struct sqlite3_vfs;

namespace postseal::test {

class FaultyDisk {
  public:
    FaultyDisk();
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;
    ~FaultyDisk();

    std::atomic<std::int64_t> sync_takes_ms = 0;
    std::atomic<int> sound_reads = 0;   // of the main file, so many more before any fails
    std::atomic<int> failing_reads = 0; // of the main file, so many more: EIO
    std::atomic<int> syncs = 0;         // begun
    std::atomic<std::int64_t> slow_reads_ms =
        0;                           // of the reading thread, after the octets were taken
    std::atomic<int> slow_reads = 0; // begun

  private:
    sqlite3_vfs* vfs_;
};

} // namespace postseal::test
