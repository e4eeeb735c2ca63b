// store/db_error.h: why SQLite could not do what was asked, sorted by what is done about it
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

struct sqlite3;

namespace postseal::store {

enum class DbFault {
    corrupt,     // not a database, or a damaged one: moved aside, a new one begun
    full,        // no space left: kept in memory, tried again
    read_only,   // file or file system not writable: the same
    busy,        // another process holds SQLite's lock: the same
    io,          // all else that may pass: the same
    cannot_open, // no such folder, no permission: the daemon does not start
    refused,     // another program's database, or of a newer postseal: the same
};
inline constexpr std::size_t db_faults = 7;
// "read-only": for metrics.
[[nodiscard]] std::string_view to_string(DbFault fault);

struct DbError {
    DbFault fault;
    std::string text; // a sentence for an operator, names the file
};

template <class T = void> using DbResult = std::expected<T, DbError>;

// Of the call that just failed on `db` with `rc`; `doing` as in "cannot write".
[[nodiscard]] std::unexpected<DbError> db_error(sqlite3* db, int rc, std::string_view doing,
                                                std::string_view path);

} // namespace postseal::store
