// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/shared_store.h"

#include "fleet/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace postseal::fleet {
namespace {

constexpr auto read_clock = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)";

// A node must find it due by its own clock as well.
constexpr milliseconds due_for{1000};
// Every other node asks for leases several times meanwhile.
constexpr milliseconds left_to_others{120'000};

milliseconds steady_now() {
    return std::chrono::duration_cast<milliseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
}

std::vector<SharedOverride> overrides_at(const Rows& rows) {
    std::vector<SharedOverride> found;
    found.reserve(static_cast<std::size_t>(rows.size()));
    for (int row = 0; row < rows.size(); row++)
        found.push_back({.key = rows.text(row, 0),
                         .line = rows.text(row, 1),
                         .by = rows.text(row, 2),
                         .at = rows.time(row, 3)});
    return found;
}

template <class T> std::unexpected<Error> error_of(Result<T>& result) {
    return std::unexpected(std::move(result.error()));
}

// Rows in the order of their version, which stands behind the table's columns.
template <class T> std::vector<T> read_upto(const Rows& rows, std::int64_t version) {
    int count = 0;
    while (count < rows.size() && rows.number(count, table_of<T>.column_count) <= version)
        count++;
    return read<T>(rows, count);
}

template <class T> std::vector<std::string> keys_of(const std::vector<T>& facts) {
    std::vector<std::string> keys;
    keys.reserve(facts.size());
    for (const T& fact : facts)
        keys.push_back(key_of(fact));
    return keys;
}

// All of `offered`, in that order, each with what is held of it.
template <class T>
std::vector<T> merged_with(std::vector<T> held, const std::vector<T>& offered, WallTime now,
                           std::vector<T>& worth_writing) {
    std::map<std::string, T> by_key;
    for (T& fact : held)
        by_key.emplace(key_of(fact), std::move(fact));
    std::vector<T> all;
    all.reserve(offered.size());
    for (const T& one : offered) {
        const auto found = by_key.find(key_of(one));
        const T before = found != by_key.end() ? found->second : nothing_of(one);
        const T& after = all.emplace_back(merge(before, one, now));
        if (is_worth_sharing(before, after)) worth_writing.push_back(after);
    }
    return all;
}

} // namespace

SharedStore::SharedStore(std::string uri, Limits limits, const Interrupt& interrupt)
    : postgres_(std::move(uri), limits, interrupt) {}

WallTime SharedStore::server_now() const { return WallTime(steady_now() + clock_); }

void SharedStore::note_clock(WallTime server) { clock_ = server.time_since_epoch() - steady_now(); }

Result<> SharedStore::ready() {
    if (postgres_.is_open() && checked_) return {};
    auto checked = check();
    if (!checked) return error_of(checked);
    return {};
}

// Nothing of a transaction may be left when the next begins.
Result<Rows> SharedStore::run(const std::string& sql, const Params& params) {
    auto rows = postgres_.run(sql, params);
    if (!rows) postgres_.give_up();
    return rows;
}

Result<About> SharedStore::check() {
    checked_ = false;
    about_.schema = 0;
    if (!postgres_.is_open())
        if (auto connected = postgres_.connect(); !connected) return error_of(connected);
    constexpr auto remedy = "run \"postseal store init\" with this configuration";
    auto rows = run(fmt::format("SELECT m.schema_version, m.identity, f.version, {} FROM "
                                "postseal_meta m, postseal_feed f",
                                read_clock));
    if (!rows && rows.error().fault == Fault::schema)
        return std::unexpected(
            Error{Fault::schema, fmt::format("its tables have not been made: {}", remedy)});
    if (!rows) return error_of(rows);
    if (rows->size() != 1)
        return std::unexpected(
            Error{Fault::schema, fmt::format("its tables are not complete: {}", remedy)});
    about_ = {.identity = rows->text(0, 1),
              .schema = static_cast<int>(rows->number(0, 0)),
              .feed = rows->number(0, 2)};
    note_clock(rows->time(0, 3));
    if (about_.schema < schema_version)
        return std::unexpected(Error{
            Fault::schema, fmt::format("its tables are of version {}, this postseal needs {}: {}",
                                       about_.schema, schema_version, remedy)});
    if (about_.schema > schema_version)
        return std::unexpected(
            Error{Fault::schema, fmt::format("its tables are of version {}, this postseal knows {} "
                                             "at most: run the newer postseal",
                                             about_.schema, schema_version)});
    checked_ = true;
    return about_;
}

Result<Changes> SharedStore::changes(std::int64_t after, std::size_t most) {
    if (auto is = ready(); !is) return error_of(is);
    auto feed = run(fmt::format("SELECT version, {} FROM postseal_feed", read_clock));
    if (!feed) return error_of(feed);
    if (feed->size() != 1)
        return std::unexpected(Error{Fault::schema, "its tables are not complete"});
    note_clock(feed->time(0, 1));
    Changes changes{.upto = feed->number(0, 0), .latest = feed->number(0, 0)};
    if (changes.latest <= after) return changes;
    const Params range{Param::of(after), Param::of(changes.latest),
                       Param::of(static_cast<std::int64_t>(most))};
    auto overrides = changed_overrides({range[0], range[1]});
    if (!overrides) return error_of(overrides);
    changes.overrides = *std::move(overrides);
    const auto changed = [&](const Table& table) {
        return run(fmt::format("SELECT {}, version FROM {} WHERE version > $1 AND version <= $2"
                               " ORDER BY version LIMIT $3",
                               table.columns, table.name),
                   range);
    };
    auto sts = changed(table_of<Policy>);
    if (!sts) return error_of(sts);
    auto looks = changed(table_of<Look>);
    if (!looks) return error_of(looks);
    // A full page may have left out rows of its last version; groups are smaller than pages.
    for (const auto& [rows, column] :
         {std::pair(&*sts, table_of<Policy>.column_count), {&*looks, table_of<Look>.column_count}})
        if (static_cast<std::size_t>(rows->size()) == most)
            changes.upto = std::min(changes.upto, rows->number(rows->size() - 1, column) - 1);
    changes.policies = read_upto<Policy>(*sts, changes.upto);
    changes.looks = read_upto<Look>(*looks, changes.upto);
    return changes;
}

// Few, ever: whatever the others' pages leave for later, all of these are told at once.
Result<std::vector<SharedOverride>> SharedStore::changed_overrides(const Params& range) {
    auto rows = run("SELECT key, line, set_by, changed_at FROM postseal_override"
                    " WHERE version > $1 AND version <= $2 ORDER BY key",
                    range);
    if (!rows) return error_of(rows);
    return overrides_at(*rows);
}

Result<std::vector<SharedOverride>> SharedStore::overrides() {
    if (auto is = ready(); !is) return error_of(is);
    auto rows = run("SELECT key, line, set_by, changed_at FROM postseal_override"
                    " WHERE line <> '' ORDER BY key");
    if (!rows) return error_of(rows);
    return overrides_at(*rows);
}

Result<> SharedStore::set(const SharedOverride& override_) {
    if (auto is = ready(); !is) return error_of(is);
    const auto version = next_version();
    if (!version) return std::unexpected(version.error());
    auto done = run("INSERT INTO postseal_override (key, line, set_by, changed_at, version)"
                    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO UPDATE SET"
                    " line = excluded.line, set_by = excluded.set_by,"
                    " changed_at = excluded.changed_at, version = excluded.version",
                    {Param::of(override_.key), Param::of(override_.line), Param::of(override_.by),
                     Param::of(server_now()), Param::of(*version)});
    if (!done) return error_of(done);
    if (auto committed = run("COMMIT"); !committed) return error_of(committed);
    return {};
}

template <class T>
Result<std::vector<T>> SharedStore::select(std::string_view which, const Params& params) {
    auto rows = run(
        fmt::format("SELECT {} FROM {} {}", table_of<T>.columns, table_of<T>.name, which), params);
    if (!rows) return error_of(rows);
    return read<T>(*rows);
}

template <class T>
Result<std::vector<T>> SharedStore::with_keys(const std::vector<std::string>& keys) {
    if (keys.empty()) return std::vector<T>();
    return select<T>(fmt::format("WHERE {} = ANY($1)", table_of<T>.key), {Param::list(keys)});
}

template <class T>
Result<std::vector<T>> SharedStore::behind(const std::string& after, std::size_t most) {
    if (auto is = ready(); !is) return error_of(is);
    return select<T>(fmt::format("WHERE {0} > $1 ORDER BY {0} LIMIT $2", table_of<T>.key),
                     {Param::of(after), Param::of(static_cast<std::int64_t>(most))});
}

Result<std::vector<Policy>> SharedStore::policies_after(const std::string& after,
                                                        std::size_t most) {
    return behind<Policy>(after, most);
}

Result<std::vector<Look>> SharedStore::looks_after(const std::string& after, std::size_t most) {
    return behind<Look>(after, most);
}

Result<Facts> SharedStore::find(const std::string& domain, const std::string& nexthop) {
    if (auto is = ready(); !is) return error_of(is);
    auto policy = with_keys<Policy>({domain});
    if (!policy) return error_of(policy);
    Facts facts;
    if (!policy->empty()) facts.policy = std::move(policy->front());
    if (nexthop.empty()) return facts;
    auto look = with_keys<Look>({nexthop});
    if (!look) return error_of(look);
    if (!look->empty()) facts.look = std::move(look->front());
    return facts;
}

Result<Batch> SharedStore::merged(const Batch& batch, Batch& worth_writing) {
    auto policies = with_keys<Policy>(keys_of(batch.policies));
    if (!policies) return error_of(policies);
    auto looks = with_keys<Look>(keys_of(batch.looks));
    if (!looks) return error_of(looks);
    const WallTime now = server_now();
    return Batch{.policies =
                     merged_with(*std::move(policies), batch.policies, now, worth_writing.policies),
                 .looks = merged_with(*std::move(looks), batch.looks, now, worth_writing.looks)};
}

template <class T> Result<> SharedStore::write(const std::vector<T>& facts, std::int64_t version) {
    if (facts.empty()) return {};
    std::string values;
    Params params;
    for (const T& fact : facts)
        add_row(values, params, fact, server_now(), version);
    auto done = run(upsert(table_of<T>, values), params);
    if (!done) return error_of(done);
    return {};
}

// Most of what nodes see again is no news: that is found out without a lock.
Result<Batch> SharedStore::offer(const Batch& batch) {
    if (auto is = ready(); !is) return error_of(is);
    Batch worth_writing;
    auto seen = merged(batch, worth_writing);
    if (!seen) return seen;
    if (worth_writing.policies.empty() && worth_writing.looks.empty()) return seen;
    return offer_in_transaction(batch);
}

Result<std::int64_t> SharedStore::next_version() {
    if (auto begun = run("BEGIN"); !begun) return error_of(begun);
    auto feed =
        run("UPDATE postseal_feed SET version = version + 1 WHERE one = 1 RETURNING version");
    if (!feed) return error_of(feed);
    if (feed->size() == 1) return feed->number(0, 0);
    postgres_.give_up();
    return std::unexpected(Error{Fault::schema, "its tables are not complete"});
}

Result<Batch> SharedStore::offer_in_transaction(const Batch& batch) {
    const auto version = next_version();
    if (!version) return std::unexpected(version.error());
    Batch worth_writing;
    auto known = merged(batch, worth_writing);
    if (!known) return known;
    if (auto done = write(worth_writing.policies, *version); !done) return error_of(done);
    if (auto done = write(worth_writing.looks, *version); !done) return error_of(done);
    if (auto done = run("COMMIT"); !done) return error_of(done);
    known->written = worth_writing.policies.size() + worth_writing.looks.size();
    return known;
}

Result<std::vector<Policy>> SharedStore::lease(const std::string& node, std::size_t most,
                                               milliseconds hold) {
    if (auto is = ready(); !is) return error_of(is);
    const WallTime now = server_now();
    auto rows = run(fmt::format("UPDATE postseal_sts SET lease_node = $1, lease_until = $2"
                                " WHERE domain IN (SELECT domain FROM postseal_sts"
                                " WHERE refresh_at > 0 AND refresh_at <= $5 AND lease_until <= $3"
                                " AND (failed_by <> $1 OR refresh_at <= $6)"
                                " ORDER BY refresh_at LIMIT $4 FOR UPDATE SKIP LOCKED)"
                                " RETURNING {}",
                                table_of<Policy>.columns),
                    {Param::of(node), Param::of(now + hold), Param::of(now),
                     Param::of(static_cast<std::int64_t>(most)), Param::of(now - due_for),
                     Param::of(now - left_to_others)});
    if (!rows) return error_of(rows);
    auto leased = read<Policy>(*rows);
    std::ranges::sort(leased, {}, [](const Policy& policy) { return policy.row.refresh_at; });
    return leased;
}

Result<std::size_t> SharedStore::prune(milliseconds age, std::size_t most) {
    if (auto is = ready(); !is) return error_of(is);
    std::size_t gone = 0;
    for (const Table& table : {table_of<Policy>, table_of<Look>}) {
        auto rows =
            run(fmt::format("DELETE FROM {0} WHERE {1} IN (SELECT {1} FROM {0}"
                            " WHERE changed_at < {2} - $1 LIMIT $2) RETURNING {1}",
                            table.name, table.key, read_clock),
                {Param::of(std::int64_t{age.count()}), Param::of(static_cast<std::int64_t>(most))});
        if (!rows) return error_of(rows);
        gone += static_cast<std::size_t>(rows->size());
    }
    return gone;
}

Result<> SharedStore::report(const Node& node) {
    if (auto is = ready(); !is) return error_of(is);
    auto done = run("INSERT INTO postseal_node (node, version, started_at, seen_at, feed)"
                    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (node) DO UPDATE SET"
                    " version = excluded.version, started_at = excluded.started_at,"
                    " seen_at = excluded.seen_at, feed = excluded.feed",
                    {Param::of(node.id), Param::of(node.version), Param::of(node.started_at),
                     Param::of(server_now()), Param::of(node.feed)});
    if (!done) return error_of(done);
    return {};
}

Result<std::vector<Node>> SharedStore::nodes() {
    if (auto is = ready(); !is) return error_of(is);
    auto rows = run("SELECT node, version, started_at, seen_at, feed FROM postseal_node"
                    " ORDER BY node");
    if (!rows) return error_of(rows);
    std::vector<Node> nodes;
    nodes.reserve(static_cast<std::size_t>(rows->size()));
    for (int row = 0; row < rows->size(); row++)
        nodes.push_back({.id = rows->text(row, 0),
                         .version = rows->text(row, 1),
                         .started_at = rows->time(row, 2),
                         .seen_at = rows->time(row, 3),
                         .feed = rows->number(row, 4)});
    return nodes;
}

} // namespace postseal::fleet
