// fleet/rows.h: the rows of the shared tables, as columns and as values
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/merge.h"
#include "fleet/postgres.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::fleet {

struct SharedTable {
    std::string_view name;
    std::string_view key;
    std::string_view columns; // the key is the first
    int column_count;
};
template <class T> inline constexpr SharedTable table_of{};
template <>
inline constexpr SharedTable table_of<SharedPolicy>{
    "postseal_sts", "domain",
    "domain, body, id, fetched_at, expires_at, failures, failed_id, fault, reason, failed_at, "
    "retry_at, refresh_at, record_gone, origin, failed_by, forgotten_at",
    16};
template <>
inline constexpr SharedTable table_of<SharedNexthop>{
    "postseal_nexthop", "nexthop",
    "nexthop, dane, dane_seen_at, dane_by, verdict, verdict_row, "
    "verdict_since, seen_at, forgotten_at",
    9};

template <>
inline constexpr SharedTable table_of<SharedOverride>{"postseal_override", "key",
                                                      "key, line, set_by, changed_at", 4};

[[nodiscard]] inline const std::string& key_of(const SharedOverride& one) { return one.key; }
[[nodiscard]] inline SharedOverride nothing_of(const SharedOverride& one) {
    return {.key = one.key, .line = {}, .by = {}, .at = {}};
}
[[nodiscard]] inline const std::string& key_of(const SharedPolicy& policy) {
    return policy.row.domain.name();
}
[[nodiscard]] inline const std::string& key_of(const SharedNexthop& look) {
    return look.row.nexthop;
}
// As a node's own store and feed_history.h name it.
[[nodiscard]] inline std::string row_key(const SharedOverride& one) {
    return "override/" + one.key;
}
[[nodiscard]] inline std::string row_key(const SharedPolicy& policy) {
    return "sts/" + policy.row.domain.name();
}
[[nodiscard]] inline std::string row_key(const SharedNexthop& look) {
    return "nexthop/" + look.row.nexthop;
}
// The tables' names are those with this before.
inline constexpr std::string_view table_prefix = "postseal_";
// Nothing is known of that one.
[[nodiscard]] inline SharedPolicy nothing_of(const SharedPolicy& policy) {
    return {.row = {.domain = policy.row.domain}, .forgotten_at = {}};
}
[[nodiscard]] inline SharedNexthop nothing_of(const SharedNexthop& look) {
    return {.row = {.nexthop = look.row.nexthop}, .forgotten_at = {}};
}

// What a node writes is never larger. Words for operators are cut; a row whose key, policy or
// override is larger is refused.
inline constexpr std::size_t max_body = std::size_t{64} << 10;
inline constexpr std::size_t max_text = 2000;

// Whether `fact` may be written over the row that is refused; what it held is not known.
template <class T> [[nodiscard]] bool may_replace_refused(const T& fact, const Rows& rows, int row);

// The row's table columns. Nothing: its domain is none, or it is larger than any node writes.
template <class T> [[nodiscard]] std::optional<T> read_at(const Rows& rows, int row);
// Of the first `count` rows; what is nothing is left out.
template <class T> [[nodiscard]] std::vector<T> read(const Rows& rows, int count) {
    std::vector<T> found;
    for (int row = 0; row < count; row++)
        if (auto one = read_at<T>(rows, row)) found.push_back(*std::move(one));
    return found;
}
template <class T> [[nodiscard]] std::vector<T> read(const Rows& rows) {
    return read<T>(rows, rows.size());
}

// A row to be written, and the version at which it was read; 0: it was not there.
template <class T> struct Versioned {
    T fact;
    std::int64_t version = 0;
};

// One statement that counts the feed up, logs the new version with its token, and writes rows that
// carry it, of up to three tables; what somebody else has changed since it was read is left alone.
// Its rows: the new version with an empty table name, if the tables are of our schema; then the
// table and key of each row that was written.
class WriteStatement {
  public:
    WriteStatement(std::string token, WallTime now, int schema);
    // All of them are there, or none.
    void add(const std::vector<Versioned<SharedPolicy>>& rows);
    void add(const std::vector<Versioned<SharedNexthop>>& rows);
    void add(const std::vector<Versioned<SharedOverride>>& rows);
    [[nodiscard]] std::string sql() const { return "WITH " + parts_ + " " + results_; }
    [[nodiscard]] const Params& params() const { return params_; }
    [[nodiscard]] const std::string& token() const { return token_; }
    [[nodiscard]] bool is_empty() const { return rows_ == 0; }

  private:
    template <class T> void add_part(const std::vector<Versioned<T>>& rows);

    std::string token_;
    WallTime now_;
    std::string parts_, results_;
    std::size_t rows_ = 0;
    Params params_;
};

} // namespace postseal::fleet
