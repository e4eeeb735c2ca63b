// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace postseal::fleet {
namespace {

void add_values(std::string& values, Params& params, Params row) {
    values += values.empty() ? "(" : ", (";
    for (std::size_t i = 1; i <= row.size(); i++)
        values += fmt::format("{}${}", i == 1 ? "" : ", ", params.size() + i);
    values += ')';
    std::ranges::move(row, std::back_inserter(params));
}

bool is_too_large(const Rows& rows, int row, int column, std::size_t most) {
    return rows.length(row, column) > most;
}

// What a node writes is never longer; it is only shown, so the rest is not a reason to refuse the
// row.
std::string words_at(const Rows& rows, int row, int column) {
    std::string text = rows.text(row, column);
    if (text.size() > max_text) text.resize(max_text);
    return text;
}

// Nothing: its domain is none.
std::optional<SharedPolicy> policy_at(const Rows& rows, int row) {
    auto domain = Domain::parse(rows.text(row, 0));
    if (!domain) return std::nullopt;
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    const auto failures = std::clamp<std::int64_t>(rows.number(row, 5), 0, most);
    return SharedPolicy{.row = {.domain = std::move(*domain),
                                .body = rows.octets(row, 1),
                                .id = words_at(rows, row, 2),
                                .fetched_at = rows.time(row, 3),
                                .expires_at = rows.time(row, 4),
                                .failures = static_cast<std::uint32_t>(failures),
                                .failed_id = words_at(rows, row, 6),
                                .fault = words_at(rows, row, 7),
                                .reason = words_at(rows, row, 8),
                                .failed_at = rows.time(row, 9),
                                .retry_at = rows.time(row, 10),
                                .failed_by = words_at(rows, row, 14),
                                .refresh_at = rows.time_or_never(row, 11),
                                .record_gone = rows.flag(row, 12),
                                .origin = words_at(rows, row, 13)},
                        .forgotten_at = rows.time_or_never(row, 15)};
}

SharedNexthop nexthop_at(const Rows& rows, int row) {
    return {.row = {.nexthop = rows.text(row, 0),
                    .dane = rows.flag(row, 1),
                    .dane_seen_at = rows.time_or_never(row, 2),
                    .dane_by = words_at(rows, row, 3),
                    .verdict = words_at(rows, row, 4),
                    .row = static_cast<int>(std::clamp<std::int64_t>(rows.number(row, 5), 0, 1000)),
                    .verdict_since = rows.time_or_never(row, 6),
                    .seen_at = rows.time_or_never(row, 7)},
            .forgotten_at = rows.time_or_never(row, 8)};
}

Params params_of(const SharedPolicy& policy) {
    const store::StsRow& row = policy.row;
    return {Param::of(row.domain.name()),
            Param::octets(row.body),
            Param::of(row.id),
            Param::of(row.fetched_at),
            Param::of(row.expires_at),
            Param::of(std::int64_t{row.failures}),
            Param::of(row.failed_id),
            Param::of(row.fault),
            Param::of(row.reason),
            Param::of(row.failed_at),
            Param::of(row.retry_at),
            Param::of(row.refresh_at),
            Param::flag(row.record_gone),
            Param::of(row.origin),
            Param::of(row.failed_by),
            Param::of(policy.forgotten_at)};
}

Params params_of(const SharedNexthop& look) {
    const store::NexthopRow& row = look.row;
    return {Param::of(row.nexthop),       Param::flag(row.dane),  Param::of(row.dane_seen_at),
            Param::of(row.dane_by),       Param::of(row.verdict), Param::of(std::int64_t{row.row}),
            Param::of(row.verdict_since), Param::of(row.seen_at), Param::of(look.forgotten_at)};
}

Params params_of(const SharedOverride& one) {
    return {Param::of(one.key), Param::of(one.line), Param::of(one.by), Param::of(one.at)};
}

// A row without a policy never takes the place of one, unless that was forgotten.
template <class T> constexpr auto keeps_policy = "";
template <>
constexpr auto keeps_policy<SharedPolicy> =
    " AND (length(v.body) > 0 OR length(t.body) = 0 OR v.forgotten_at >= t.fetched_at)";

} // namespace

template <> std::optional<SharedPolicy> read_at(const Rows& rows, int row) {
    if (is_too_large(rows, row, 0, max_text) || is_too_large(rows, row, 1, 2 * max_body + 2))
        return std::nullopt;
    return policy_at(rows, row);
}
template <> std::optional<SharedNexthop> read_at(const Rows& rows, int row) {
    if (is_too_large(rows, row, 0, max_text)) return std::nullopt;
    return nexthop_at(rows, row);
}
template <> std::optional<SharedOverride> read_at(const Rows& rows, int row) {
    // A line that was cut would mean something else.
    if (is_too_large(rows, row, 0, max_text) || is_too_large(rows, row, 1, max_text))
        return std::nullopt;
    return SharedOverride{.key = rows.text(row, 0),
                          .line = rows.text(row, 1),
                          .by = words_at(rows, row, 2),
                          .at = rows.time(row, 3)};
}

template <> bool may_replace_refused(const SharedPolicy& policy, const Rows& rows, int row) {
    return !policy.row.body.empty() || policy.forgotten_at >= rows.time_or_never(row, 3);
}
template <> bool may_replace_refused(const SharedNexthop&, const Rows&, int) { return true; }
template <> bool may_replace_refused(const SharedOverride& one, const Rows& rows, int row) {
    return one.at > rows.time(row, 3);
}

WriteStatement::WriteStatement(std::string token, WallTime now, int schema)
    : token_(std::move(token)), now_(now),
      params_{Param::of(token_), Param::of(now), Param::of(std::int64_t{schema})} {
    parts_ = "c AS (UPDATE postseal_change SET version = version + 1 WHERE one = 1 AND EXISTS"
             " (SELECT 1 FROM postseal_meta WHERE one = 1 AND schema_version = $3)"
             " RETURNING version),"
             " l AS (INSERT INTO postseal_log (version, token, at)"
             " SELECT version, $1, $2 FROM c RETURNING version)";
    results_ = "SELECT version, '' AS of_table, '' AS of_key FROM c";
}

template <class T> void WriteStatement::add_part(const std::vector<Versioned<T>>& rows) {
    if (rows.empty()) return;
    rows_ += rows.size();
    constexpr SharedTable table = table_of<T>;
    const bool fresh = rows.front().version == 0;
    std::string values;
    for (const Versioned<T>& row : rows) {
        Params params = params_of(row.fact);
        if constexpr (!std::is_same_v<T, SharedOverride>) params.push_back(Param::of(now_));
        if (!fresh) params.push_back(Param::of(row.version));
        add_values(values, params_, std::move(params));
    }
    constexpr bool has_time = std::is_same_v<T, SharedOverride>;
    const std::string columns = std::string(table.columns) + (has_time ? "" : ", changed_at");
    std::string from, set;
    for (std::string_view rest = columns; !rest.empty();) {
        const auto end = std::min(rest.find(", "), rest.size());
        const std::string_view column = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 2, rest.size()));
        from += fmt::format("v.{}, ", column);
        if (column != table.key) set += fmt::format("{0} = v.{0}, ", column);
    }
    if (fresh)
        parts_ += fmt::format(", w_{0} AS (INSERT INTO {0} ({1}, version) SELECT {2}c.version"
                              " FROM (VALUES {3}) AS v ({1}), c WHERE true"
                              " ON CONFLICT ({4}) DO NOTHING RETURNING {4})",
                              table.name, columns, from, values, table.key);
    else
        parts_ += fmt::format(", w_{0} AS (UPDATE {0} AS t SET {2}version = c.version"
                              " FROM (VALUES {3}) AS v ({1}, known), c"
                              " WHERE t.{4} = v.{4} AND t.version = v.known{5} RETURNING t.{4})",
                              table.name, columns, set, values, table.key, keeps_policy<T>);
    results_ += fmt::format(" UNION ALL SELECT 0, '{0}', {1} FROM w_{0}", table.name, table.key);
}

void WriteStatement::add(const std::vector<Versioned<SharedPolicy>>& rows) { add_part(rows); }
void WriteStatement::add(const std::vector<Versioned<SharedNexthop>>& rows) { add_part(rows); }
void WriteStatement::add(const std::vector<Versioned<SharedOverride>>& rows) { add_part(rows); }

} // namespace postseal::fleet
