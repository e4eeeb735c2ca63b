// store/select.h: one statement that is prepared, bound, run and dropped
//
// For what is asked for seldom. `values` are bound to ?1, ?2 and so on.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/connection.h"
#include "store/statement.h"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace postseal::store {

// Calls `take(statement)` for each row.
template <class... Values>
[[nodiscard]] DbResult<> select(Connection& connection, const std::string& sql,
                                const Connection::Take& take, const Values&... values) {
    const auto statement = connection.prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    bind_all(statement->get(), values...);
    return connection.each(statement->get(), take);
}

// The rows: `row_at(statement)` is one, or nothing where it is to be left out.
template <class RowAt, class... Values>
[[nodiscard]] auto select_rows(Connection& connection, const std::string& sql, RowAt row_at,
                               const Values&... values)
    -> DbResult<std::vector<typename std::invoke_result_t<RowAt, sqlite3_stmt*>::value_type>> {
    std::vector<typename std::invoke_result_t<RowAt, sqlite3_stmt*>::value_type> rows;
    const Connection::Take take = [&](sqlite3_stmt* s) {
        if (auto row = row_at(s)) rows.push_back(*std::move(row));
    };
    if (auto done = select(connection, sql, take, values...); !done)
        return std::unexpected(std::move(done.error()));
    return rows;
}

// A statement that gives no row.
template <class... Values>
[[nodiscard]] DbResult<> execute(Connection& connection, const std::string& sql,
                                 const Values&... values) {
    const auto statement = connection.prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    bind_all(statement->get(), values...);
    return connection.run(statement->get());
}

} // namespace postseal::store
