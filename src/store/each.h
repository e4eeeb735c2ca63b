// store/each.h: the rows of a statement, for the files that implement Database
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/database.h"
#include "store/statement.h"

namespace postseal::store {

template <class Take> DbResult<> Database::each(sqlite3_stmt* statement, Take take) {
    const Reset reset(statement);
    int rc = SQLITE_ROW;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        take(statement);
    if (rc != SQLITE_DONE) return db_error(db_.get(), rc, "read", path_);
    return {};
}

} // namespace postseal::store
