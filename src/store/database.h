// store/database.h: an SQLite database that loads a key and writes a batch in one transaction
//
// What a lookup needs, with statements that are prepared once. All else is done on connection().
// Blocks on the disk, so it belongs to a worker's thread.
// Errors: DbError; a write that failed has changed nothing.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/connection.h"
#include "store/pending.h"
#include "store/schema.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::store {

class Database {
  public:
    // Writes. Makes the file if there is none (mode 0640), and brings an older one up to date.
    [[nodiscard]] static DbResult<std::unique_ptr<Database>>
    open(const std::string& path, std::span<const SchemaStep> steps = schema_steps());
    // Reads only. beside_writer: a connection of open() is there meanwhile. alone: none is, and
    // nobody else writes (DatabaseFile's lock); needs neither room on the disk nor a file that may
    // be written, takes no lock, and reads a file of an older version as it is.
    enum class Reading { beside_writer, alone };
    [[nodiscard]] static DbResult<std::unique_ptr<Database>>
    open_for_reading(const std::string& path, Reading how,
                     std::span<const SchemaStep> steps = schema_steps());
    // Has no file, and ends with this object. Fails only for want of memory.
    [[nodiscard]] static DbResult<std::unique_ptr<Database>> in_memory();

    [[nodiscard]] DbResult<std::optional<StsRow>> find_sts(const Domain& domain);
    [[nodiscard]] DbResult<std::optional<NexthopRow>> find_nexthop(const std::string& nexthop);
    // The earliest first, at most so many.
    [[nodiscard]] DbResult<std::vector<RefreshDue>> next_refreshes(std::size_t most);
    [[nodiscard]] DbResult<> write(const Batch& batch);

    [[nodiscard]] Connection& connection() { return connection_; }

  private:
    explicit Database(Connection connection) : connection_(std::move(connection)) {}
    [[nodiscard]] static DbResult<std::unique_ptr<Database>>
    begin(Connection connection, std::span<const SchemaStep> steps);
    [[nodiscard]] DbResult<> prepare_reads();
    [[nodiscard]] DbResult<> prepare_writes();
    [[nodiscard]] DbResult<> put_all(const Batch& batch);
    [[nodiscard]] DbResult<> drop(const Statement& statement, std::string_view key);
    [[nodiscard]] DbResult<> put(const StsRow& row);
    [[nodiscard]] DbResult<> put(const NexthopRow& row);
    [[nodiscard]] DbResult<> put(const HistoryRow& row);

    Connection connection_; // its statements end before it
    Statement find_sts_, find_nexthop_, next_refreshes_;
    Statement put_sts_, put_without_policy_, drop_sts_;
    Statement put_nexthop_, put_without_promise_, drop_nexthop_, put_history_, trim_history_;
};

} // namespace postseal::store
