// SPDX-License-Identifier: BSD-3-Clause
#include "store/db_error.h"

#include "postseal/base/names.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>

namespace postseal::store {
namespace {

DbFault fault_of(int rc) {
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return DbFault::corrupt;
    case SQLITE_FULL:
        return DbFault::full;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return DbFault::read_only;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return DbFault::busy;
    default:
        return DbFault::io;
    }
}

} // namespace

constexpr auto db_fault_names = names_for<DbFault>({
    {DbFault::corrupt, "corrupt"},
    {DbFault::full, "full"},
    {DbFault::read_only, "read-only"},
    {DbFault::busy, "busy"},
    {DbFault::io, "io"},
    {DbFault::cannot_open, "cannot-open"},
    {DbFault::refused, "refused"},
});
std::string_view to_string(DbFault fault) { return db_fault_names[fault]; }

std::unexpected<DbError> db_error(sqlite3* db, int rc, std::string_view doing,
                                  std::string_view path) {
    std::string cause = sqlite3_errstr(rc);
    const int system = sqlite3_system_errno(db);
    const int primary = rc & 0xff;
    // The error number is of the last failed system call, which need not belong to this failure.
    if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && system != 0)
        cause += fmt::format(" ({})", std::strerror(system));
    return std::unexpected(
        DbError{fault_of(rc), fmt::format("cannot {} {}: {}", doing, path, cause)});
}

} // namespace postseal::store
