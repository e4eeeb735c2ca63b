// store/scratch.h: a folder for one test, removed with all that is in it; and rows to store
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/pending.h"
#include "store/store.h"

#include <string>
#include <vector>

struct sqlite3;

namespace postseal::test {

class Scratch {
  public:
    // Below TMPDIR or /tmp, unless said otherwise.
    explicit Scratch(const std::string& below = {});
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch();
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string file() const { return path_ + "/postseal.db"; }
    // The names in the folder, in order.
    [[nodiscard]] std::vector<std::string> names() const;

  private:
    std::string path_;
};

[[nodiscard]] std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& octets);
// Runs SQL on a file that no store has open; the first column of the last row.
std::string sql(const std::string& path, const std::string& statements);

// Another program that has begun to write and does not end.
class LockHolder {
  public:
    explicit LockHolder(const std::string& path);
    LockHolder(const LockHolder&) = delete;
    LockHolder& operator=(const LockHolder&) = delete;
    ~LockHolder();

  private:
    sqlite3* db_ = nullptr;
};

[[nodiscard]] Domain domain(const std::string& name);
[[nodiscard]] WallTime at(std::int64_t ms);
[[nodiscard]] WallTime now(); // the machine's clock
// All fields set, each different, all depending on `mark`.
[[nodiscard]] store::StsRow sts_row(const std::string& name, int mark = 0);
[[nodiscard]] store::NexthopRow nexthop_row(const std::string& nexthop, int mark = 0);

// The file's name once moved aside at the time that the tests' clock shows.
inline constexpr auto corrupt_name = "postseal.db.corrupt-20260131T235959Z";
[[nodiscard]] WallTime tests_clock();

} // namespace postseal::test
