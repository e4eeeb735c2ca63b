// SPDX-License-Identifier: BSD-3-Clause
#include "store/mta_sts_resolver.h"

#include "store/connection.h"
#include "store/statement.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>

namespace postseal::store {
namespace {

using Fault = std::unexpected<std::string>;
using Handle = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;

constexpr int patience_ms = 5000;

Fault cannot_read(const std::string& path, sqlite3* db) {
    return Fault(fmt::format("cannot read {}: {}", path, sqlite3_errmsg(db)));
}

} // namespace

bool is_sqlite(std::string_view head) {
    return head.starts_with(std::string_view("SQLite format 3\0", 16));
}

std::expected<std::vector<ResolverRow>, std::string>
read_mta_sts_resolver(const std::string& path) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
    const Handle db(raw, sqlite3_close);
    if (opened != SQLITE_OK) return cannot_read(path, db.get());
    sqlite3_busy_timeout(db.get(), patience_ms);

    sqlite3_stmt* prepared = nullptr;
    constexpr auto sql = "SELECT rowid, domain, ts, pol_id, pol_body FROM sts_policy_cache "
                         "ORDER BY rowid";
    const int rc = sqlite3_prepare_v2(db.get(), sql, -1, &prepared, nullptr);
    const Statement statement(prepared);
    if (rc == SQLITE_ERROR)
        return Fault(fmt::format("{} is not a cache of postfix-mta-sts-resolver: {}", path,
                                 sqlite3_errmsg(db.get())));
    if (rc != SQLITE_OK) return cannot_read(path, db.get());

    std::vector<ResolverRow> rows;
    int step = SQLITE_ROW;
    while ((step = sqlite3_step(prepared)) == SQLITE_ROW)
        rows.push_back({.number = sqlite3_column_int64(prepared, 0),
                        .domain = text_at(prepared, 1),
                        .fetched_at = WallTime(seconds(sqlite3_column_int64(prepared, 2))),
                        .id = text_at(prepared, 3),
                        .body = text_at(prepared, 4)});
    if (step != SQLITE_DONE) return cannot_read(path, db.get());
    return rows;
}

} // namespace postseal::store
