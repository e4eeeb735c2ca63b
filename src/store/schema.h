// store/schema.h: the tables of the SQLite store, and how older ones become today's
//
// PRAGMA application_id says that a file is ours, PRAGMA user_version how many steps it has been
// through. Each missing step runs in a transaction of its own: a crash leaves a whole version.
// Times are milliseconds since 1970 UTC; 0: never.
// Errors: DbFault::refused for a file of a newer postseal or of another program; it is not touched.
// Thread: any, one at a time.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/db_error.h"

#include <cstdint>
#include <span>
#include <string>

namespace postseal::store {

inline constexpr std::int32_t application_id = 0x7053'4541; // "pSEA"

// Steps are never changed once released, only added at the end.
struct SchemaStep {
    const char* sql; // brings version n, its index, to n + 1
};

[[nodiscard]] std::span<const SchemaStep> schema_steps();

[[nodiscard]] DbResult<> migrate(sqlite3* db, const std::string& path,
                                 std::span<const SchemaStep> steps);

// For a connection that cannot write: temporary views show the tables of an older version with
// today's columns, as migrate() would have made them; nothing is copied. What is only counted (the
// census) is not. A step that computes a column, or makes a table out of others, needs a line in
// schema.cpp's `computed`; a column's DEFAULT and an empty table do not.
[[nodiscard]] DbResult<> show_as_newest(sqlite3* db, const std::string& path,
                                        std::span<const SchemaStep> steps);

} // namespace postseal::store
