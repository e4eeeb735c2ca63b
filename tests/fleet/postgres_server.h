// fleet/postgres_server.h: a PostgreSQL server of the tests' own, and databases in it
//
// One server for the whole program, begun with the first database; each database is a new one.
// Where PostgreSQL is not installed there is none, and why_not() says so loudly.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/postgres.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace postseal::test {

// For a machine that is busy with other things.
inline constexpr fleet::Limits generous{.connect = milliseconds(60'000),
                                        .answer = milliseconds(60'000)};

class PostgresServer {
  public:
    PostgresServer();
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;
    ~PostgresServer();

    [[nodiscard]] const std::optional<std::string>& why_not() const { return why_not_; }
    // "postgresql:///NAME?host=FOLDER&user=postseal"
    [[nodiscard]] std::string uri(const std::string& database) const;
    [[nodiscard]] std::string new_database();
    void start(); // returns when it takes connections
    void stop();  // at once
    // It and its connections say nothing any more; until go_on().
    void hang();
    void go_on();
    // One statement, as another program would; the first column of the first row.
    std::string sql(const std::string& database_uri, const std::string& statement) const;

  private:
    std::string folder_;
    std::optional<std::string> why_not_;
    pid_t pid_ = 0;
    int databases_ = 0;
    std::vector<pid_t> hanging_;
};

// Null, with a message, where there is none.
[[nodiscard]] PostgresServer* postgres();

} // namespace postseal::test
