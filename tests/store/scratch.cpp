// SPDX-License-Identifier: BSD-3-Clause
#include "store/scratch.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace postseal::test {

Scratch::Scratch(const std::string& below) {
    const char* temporary = std::getenv("TMPDIR");
    path_ = !below.empty() ? below : temporary != nullptr ? temporary : "/tmp";
    path_ += "/postseal-store-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
}

Scratch::~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> Scratch::names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
        names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const std::string& octets) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << octets << std::flush;
    if (!out) throw std::runtime_error("cannot write " + path);
}

std::string sql(const std::string& path, const std::string& statements) {
    sqlite3* db = nullptr;
    std::string answer;
    const auto keep_first = [](void* to, int, char** values, char**) {
        *static_cast<std::string*>(to) = values[0] == nullptr ? "NULL" : values[0];
        return 0;
    };
    int rc = sqlite3_open(path.c_str(), &db);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, statements.c_str(), keep_first, &answer, nullptr);
    const std::string error = sqlite3_errmsg(db);
    sqlite3_close(db);
    if (rc != SQLITE_OK) throw std::runtime_error(statements + ": " + error);
    return answer;
}

LockHolder::LockHolder(const std::string& path) {
    sqlite3_open(path.c_str(), &db_);
    if (sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
        throw std::runtime_error("cannot lock " + path);
}

LockHolder::~LockHolder() { sqlite3_close(db_); }

Domain domain(const std::string& name) { return Domain::parse(name).value(); }

WallTime now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

WallTime at(std::int64_t ms) { return WallTime(milliseconds(ms)); }

store::StsRow sts_row(const std::string& name, int mark) {
    const std::int64_t now = 1'769'904'000'000 + std::int64_t{mark} * 1000;
    return {.domain = domain(name),
            .body = fmt::format("version: STSv1\r\nmode: enforce\r\nmx: mx{}.example.com\r\n"
                                "max_age: 86400\r\n",
                                mark),
            .id = fmt::format("id{}", mark),
            .fetched_at = at(now + 1),
            .expires_at = at(now + 86'400'002),
            .failures = static_cast<std::uint32_t>(mark + 3),
            .failed_id = fmt::format("failed{}", mark),
            .fault = fmt::format("fault{}", mark),
            .reason = fmt::format("reason {}", mark),
            .failed_at = at(now + 4),
            .retry_at = at(now + 5),
            .failed_by = fmt::format("relay{}", mark),
            .refresh_at = at(now + 6),
            .record_gone = mark % 2 == 1,
            .origin = fmt::format("node{}", mark)};
}

store::NexthopRow nexthop_row(const std::string& nexthop, int mark) {
    const std::int64_t now = 1'769'904'000'000 + mark;
    return {.nexthop = nexthop,
            .dane = mark % 2 == 0,
            .dane_seen_at = at(now),
            .dane_by = fmt::format("node{}", mark),
            .verdict = fmt::format("verdict {}", mark),
            .row = mark + 1,
            .verdict_since = at(now + 1),
            .seen_at = at(now + 2)};
}

WallTime tests_clock() { return at(1'769'903'999'000); }

} // namespace postseal::test
