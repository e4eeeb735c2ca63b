// SPDX-License-Identifier: BSD-3-Clause
#include "store/statement.h"

#include "store/connection.h"

namespace postseal::store {

void Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

} // namespace postseal::store
