// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/shared_store.h"

#include "fleet/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

namespace postseal::fleet {
namespace {

constexpr auto read_clock = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)";

// A node must find it due by its own clock as well.
constexpr milliseconds due_for{1000};
// Every other node asks for leases several times meanwhile.
constexpr milliseconds left_to_others{120'000};

constexpr int max_attempts = 8;
constexpr milliseconds max_pause{8}; // doubling
constexpr milliseconds keep_log = std::chrono::days(30);

milliseconds steady_now() {
    return std::chrono::duration_cast<milliseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
}

template <class T> std::unexpected<Error> error_of(Result<T>& result) {
    return std::unexpected(std::move(result.error()));
}

// The row's version stands behind the table's columns.
// False: it is refused.
template <class T>
bool read_with_version(const Rows& rows, int row, std::vector<T>& facts, RowVersions& versions) {
    auto fact = read_at<T>(rows, row);
    if (!fact) return false;
    versions[row_key(*fact)] = rows.number(row, table_of<T>.column_count);
    facts.push_back(*std::move(fact));
    return true;
}

// Rows in the order of their version.
template <class T>
void read_upto(const Rows& rows, std::int64_t version, std::vector<T>& facts, Changes& changes) {
    for (int row = 0; row < rows.size(); row++)
        if (rows.number(row, table_of<T>.column_count) <= version)
            changes.refused += read_with_version(rows, row, facts, changes.versions) ? 0 : 1;
}

template <class T> std::vector<std::string> keys_of(const std::vector<T>& facts) {
    std::vector<std::string> keys;
    keys.reserve(facts.size());
    for (const T& fact : facts)
        keys.push_back(key_of(fact));
    return keys;
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

// Nothing of a transaction may be left when the next begins. A statement that stands alone and met
// another's transaction is run again; it can always be (contrib/doc/fleet-sql.md).
Result<Rows> SharedStore::run(const std::string& sql, const Params& params) {
    const bool alone = !postgres_.in_transaction();
    auto rows = postgres_.run(sql, params);
    for (int attempt = 0; alone && attempt < max_attempts && !rows &&
                          rows.error().fault == Fault::conflict && postgres_.is_open();
         attempt++) {
        pause_after_conflict(attempt);
        rows = postgres_.run(sql, params);
    }
    if (rows) return rows;
    postgres_.give_up();
    if (rows.error().fault == Fault::schema) checked_ = false;
    return rows;
}

std::string SharedStore::new_token() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}", device(), device());
}

// Those that got into each other's way must not meet again.
void SharedStore::pause_after_conflict(int attempt) {
    const auto most = static_cast<unsigned>(max_pause.count()) << std::min(attempt, 4);
    std::this_thread::sleep_for(milliseconds(1 + chance_() % most));
}

Result<About> SharedStore::check() {
    checked_ = false;
    about_.schema = 0;
    if (!postgres_.is_open())
        if (auto connected = postgres_.connect(); !connected) return error_of(connected);
    constexpr auto fix = "run \"postseal store init\" with this configuration";
    auto rows = run(fmt::format("SELECT m.schema_version, m.identity, f.version, {} FROM "
                                "postseal_meta m, postseal_change f",
                                read_clock));
    if (!rows && rows.error().fault == Fault::schema)
        rows = run(fmt::format("SELECT schema_version, identity, 0, {} FROM postseal_meta",
                               read_clock)); // of a version before
    if (!rows && rows.error().fault == Fault::schema)
        return std::unexpected(
            Error{Fault::schema, fmt::format("its tables have not been made: {}", fix)});
    if (!rows) return error_of(rows);
    if (rows->size() != 1)
        return std::unexpected(
            Error{Fault::schema, fmt::format("its tables are not complete: {}", fix)});
    about_ = {.identity = rows->text(0, 1),
              .schema = static_cast<int>(rows->number(0, 0)),
              .feed = rows->number(0, 2)};
    note_clock(rows->time(0, 3));
    if (about_.schema < schema_version)
        return std::unexpected(Error{
            Fault::schema, fmt::format("its tables are of version {}, this postseal needs {}: {}",
                                       about_.schema, schema_version, fix)});
    if (about_.schema > schema_version)
        return std::unexpected(
            Error{Fault::schema, fmt::format("its tables are of version {}, this postseal knows {} "
                                             "at most: run the newer postseal",
                                             about_.schema, schema_version)});
    checked_ = true;
    return about_;
}

// Rows may be large, where domains have large policies: then a few at a time.
Result<Changes> SharedStore::changes(const FeedVersion& after, std::size_t most,
                                     std::int64_t at_least) {
    auto changes = read_changes(after, most, at_least);
    if (changes || changes.error().fault != Fault::too_large || most <= min_page) return changes;
    return read_changes(after, min_page, at_least);
}

Result<Changes> SharedStore::read_changes(const FeedVersion& after, std::size_t most,
                                          std::int64_t at_least) {
    if (auto is = ready(); !is) return error_of(is);
    auto feed = run(fmt::format("SELECT c.version, {}, m.schema_version, m.identity,"
                                " coalesce(l.token, ''), coalesce((SELECT token FROM postseal_log"
                                " WHERE version = $1), '') FROM postseal_meta m"
                                " CROSS JOIN postseal_change c"
                                " LEFT JOIN postseal_log l ON l.version = c.version",
                                read_clock),
                    {Param::of(after.version)});
    if (!feed) return error_of(feed);
    if (feed->size() != 1 || feed->number(0, 2) != schema_version) {
        checked_ = false;
        auto checked = check();
        if (!checked) return error_of(checked);
        return std::unexpected(Error{Fault::schema, "its tables are not complete"});
    }
    note_clock(feed->time(0, 1));
    about_.identity = feed->text(0, 3);
    const FeedVersion latest{.version = feed->number(0, 0), .token = feed->text(0, 4)};
    Changes changes{.upto = latest, .latest = latest.version};
    const auto differs = [](const FeedVersion& known, const std::string& token) {
        return !known.token.empty() && known.token != token;
    };
    changes.other_history =
        latest.version < std::max(after.version, at_least) || differs(after, feed->text(0, 5));
    if (changes.other_history || latest.version == after.version) return changes;
    const Params range{Param::of(after.version), Param::of(latest.version),
                       Param::of(static_cast<std::int64_t>(most))};
    if (auto added = add_overrides(changes, {range[0], range[1]}); !added) return error_of(added);
    const auto changed = [&](const SharedTable& table) {
        return run(fmt::format("SELECT {}, version FROM {} WHERE version > $1 AND version <= $2"
                               " ORDER BY version LIMIT $3",
                               table.columns, table.name),
                   range);
    };
    auto sts = changed(table_of<SharedPolicy>);
    if (!sts) return error_of(sts);
    auto looks = changed(table_of<SharedNexthop>);
    if (!looks) return error_of(looks);
    // A full page may have left out rows of its last version; groups are smaller than pages.
    std::int64_t upto = latest.version;
    for (const auto& [rows, column] : {std::pair(&*sts, table_of<SharedPolicy>.column_count),
                                       {&*looks, table_of<SharedNexthop>.column_count}})
        if (static_cast<std::size_t>(rows->size()) == most)
            upto = std::min(upto, rows->number(rows->size() - 1, column) - 1);
    read_upto(*sts, upto, changes.policies, changes);
    read_upto(*looks, upto, changes.looks, changes);
    // A pooler may have gone over to another server between the questions.
    const FeedVersion end{.version = upto, .token = upto == latest.version ? latest.token : ""};
    auto log = log_of({after, end});
    if (!log) return error_of(log);
    const auto token_of = [&](std::int64_t version) {
        const auto found = std::ranges::find(*log, version, &FeedVersion::version);
        return found == log->end() ? std::string() : found->token;
    };
    changes.upto = {.version = upto, .token = token_of(upto)};
    if (differs(after, token_of(after.version)) || differs(end, changes.upto.token))
        return Changes{.latest = latest.version, .other_history = true};
    return changes;
}

Result<std::vector<FeedVersion>> SharedStore::log_of(const std::vector<FeedVersion>& versions) {
    if (auto is = ready(); !is) return error_of(is);
    std::string list;
    for (const FeedVersion& one : versions)
        list += fmt::format("{}{}", list.empty() ? "" : ",", one.version);
    auto rows = run("SELECT version, token FROM postseal_log"
                    " WHERE version = ANY(CAST($1 AS bigint[]))",
                    {Param::of("{" + list + "}")});
    if (!rows) return error_of(rows);
    std::vector<FeedVersion> found;
    found.reserve(static_cast<std::size_t>(rows->size()));
    for (int row = 0; row < rows->size(); row++)
        found.push_back({.version = rows->number(row, 0), .token = rows->text(row, 1)});
    return found;
}

// Few, ever: whatever the others' pages leave for later, all of these are told at once.
Result<> SharedStore::add_overrides(Changes& changes, const Params& range) {
    auto rows = run("SELECT key, line, set_by, changed_at, version FROM postseal_override"
                    " WHERE version > $1 AND version <= $2 ORDER BY key",
                    range);
    if (!rows) return error_of(rows);
    for (int row = 0; row < rows->size(); row++)
        changes.refused +=
            read_with_version(*rows, row, changes.overrides, changes.versions) ? 0 : 1;
    return {};
}

Result<std::vector<SharedOverride>> SharedStore::overrides() {
    if (auto is = ready(); !is) return error_of(is);
    auto rows = run("SELECT key, line, set_by, changed_at FROM postseal_override"
                    " WHERE line <> '' ORDER BY key");
    if (!rows) return error_of(rows);
    return read<SharedOverride>(*rows);
}

Result<> SharedStore::set(const SharedOverride& override_) {
    if (auto is = ready(); !is) return error_of(is);
    for (int attempt = 0; attempt < max_attempts; attempt++) {
        auto held = with_keys<SharedOverride>({override_.key});
        if (!held) return error_of(held);
        Batch batch{.overrides = {override_}};
        SharedOverride& one = batch.overrides.front();
        one.at = server_now();
        if (!held->empty()) one.at = std::max(one.at, held->front().at + milliseconds(1));
        auto done = offer(batch);
        if (!done) return error_of(done);
        if (done->overrides.front() == one) return {};
        pause_after_conflict(attempt); // somebody set it meanwhile
    }
    return std::unexpected(Error{Fault::conflict, "others set it at the same time"});
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

Result<std::vector<SharedPolicy>> SharedStore::policies_after(const std::string& after,
                                                              std::size_t most) {
    return behind<SharedPolicy>(after, most);
}

Result<std::vector<SharedNexthop>> SharedStore::nexthops_after(const std::string& after,
                                                               std::size_t most) {
    return behind<SharedNexthop>(after, most);
}

Result<Facts> SharedStore::find(const std::string& domain, const std::string& nexthop) {
    if (auto is = ready(); !is) return error_of(is);
    Facts facts;
    std::vector<SharedPolicy> policies;
    auto done = find_in(domain, policies, facts.versions);
    if (!done) return error_of(done);
    if (!policies.empty()) facts.policy = std::move(policies.front());
    if (nexthop.empty()) return facts;
    std::vector<SharedNexthop> looks;
    done = find_in(nexthop, looks, facts.versions);
    if (!done) return error_of(done);
    if (!looks.empty()) facts.look = std::move(looks.front());
    return facts;
}

template <class T>
Result<> SharedStore::find_in(const std::string& key, std::vector<T>& facts,
                              RowVersions& versions) {
    constexpr SharedTable table = table_of<T>;
    auto rows = run(fmt::format("SELECT {}, version FROM {} WHERE {} = $1", table.columns,
                                table.name, table.key),
                    {Param::of(key)});
    if (!rows) return error_of(rows);
    for (int row = 0; row < rows->size(); row++)
        read_with_version(*rows, row, facts, versions);
    return {};
}

// Rows worth writing; those that are there, and those that are not.
struct SharedStore::Worth {
    std::vector<Versioned<SharedPolicy>> fresh_policies, policies;
    std::vector<Versioned<SharedNexthop>> fresh_looks, looks;
    std::vector<Versioned<SharedOverride>> fresh_overrides, overrides;

    [[nodiscard]] std::size_t size() const {
        return fresh_policies.size() + policies.size() + fresh_looks.size() + looks.size() +
               fresh_overrides.size() + overrides.size();
    }
};

template <class T>
Result<> SharedStore::merge_with_held(std::vector<T>& facts, std::vector<Versioned<T>>& fresh,
                                      std::vector<Versioned<T>>& changed, RowVersions& versions) {
    if (facts.empty()) return {};
    constexpr SharedTable table = table_of<T>;
    auto rows = run(fmt::format("SELECT {}, version FROM {} WHERE {} = ANY($1)", table.columns,
                                table.name, table.key),
                    {Param::list(keys_of(facts))});
    if (!rows) return error_of(rows);
    struct Held {
        std::optional<T> fact;
        std::int64_t version = 0;
        int row = 0;
    };
    std::map<std::string, Held> held;
    for (int row = 0; row < rows->size(); row++)
        held.emplace(rows->text(row, 0), Held{.fact = read_at<T>(*rows, row),
                                              .version = rows->number(row, table.column_count),
                                              .row = row});
    const WallTime now = server_now();
    for (T& fact : facts) {
        const auto found = held.find(key_of(fact));
        const bool is_there = found != held.end();
        const Versioned<T> before =
            is_there
                ? Versioned<T>{found->second.fact.value_or(nothing_of(fact)), found->second.version}
                : Versioned<T>{nothing_of(fact), 0};
        fact = merge(before.fact, fact, now);
        versions[row_key(fact)] = before.version;
        if (is_there && !found->second.fact && !may_replace_refused(fact, *rows, found->second.row))
            continue;
        if (is_worth_sharing(before.fact, fact))
            (before.version != 0 ? changed : fresh).push_back({fact, before.version});
    }
    return {};
}

Result<std::size_t> SharedStore::write_once(const WriteStatement& statement, Batch& batch) {
    auto rows = run(statement.sql(), statement.params());
    if (!rows) return error_of(rows);
    if (rows->size() == 0) {
        checked_ = false;
        return std::unexpected(Error{Fault::schema, "its tables are of another version now"});
    }
    for (int row = 0; row < rows->size(); row++)
        if (rows->text(row, 1).empty())
            batch.last = {.version = rows->number(row, 0), .token = statement.token()};
    for (int row = 0; row < rows->size(); row++)
        if (const std::string table = rows->text(row, 1); !table.empty())
            batch.versions[table.substr(table_prefix.size()) + "/" + rows->text(row, 2)] =
                batch.last.version;
    return static_cast<std::size_t>(rows->size() - 1);
}

Result<std::size_t> SharedStore::write(const Worth& worth, Batch& batch) {
    WriteStatement fresh(new_token(), server_now(), schema_version);
    fresh.add(worth.fresh_policies);
    fresh.add(worth.fresh_looks);
    fresh.add(worth.fresh_overrides);
    WriteStatement changed(new_token(), server_now(), schema_version);
    changed.add(worth.policies);
    changed.add(worth.looks);
    changed.add(worth.overrides);
    std::size_t written = 0;
    for (const WriteStatement* statement : {&fresh, &changed}) {
        if (statement->is_empty()) continue;
        auto done = write_once(*statement, batch);
        if (!done) return done;
        written += *done;
    }
    return written;
}

Result<Batch> SharedStore::offer(const Batch& batch) {
    if (auto is = ready(); !is) return error_of(is);
    std::size_t written = 0;
    FeedVersion last;
    for (int attempt = 0; attempt < max_attempts; attempt++) {
        Batch merged = batch;
        merged.last = last;
        Worth worth;
        const auto read = [&](auto& facts, auto& fresh, auto& changed) {
            return merge_with_held(facts, fresh, changed, merged.versions);
        };
        auto done = read(merged.policies, worth.fresh_policies, worth.policies);
        if (done) done = read(merged.looks, worth.fresh_looks, worth.looks);
        if (done) done = read(merged.overrides, worth.fresh_overrides, worth.overrides);
        if (!done && done.error().fault != Fault::conflict) return error_of(done);
        if (done) {
            auto now = worth.size() == 0 ? Result<std::size_t>(0) : write(worth, merged);
            if (!now && now.error().fault != Fault::conflict) return error_of(now);
            last = merged.last;
            if (now) written += *now;
            merged.written = written;
            if (now && *now == worth.size()) return merged;
        }
        pause_after_conflict(attempt);
        if (auto is = ready(); !is) return error_of(is);
    }
    return std::unexpected(Error{Fault::conflict, "other nodes write the same rows all the time"});
}

Result<std::vector<SharedPolicy>> SharedStore::lease(const std::string& node, std::size_t most,
                                                     milliseconds hold) {
    if (auto is = ready(); !is) return error_of(is);
    const WallTime now = server_now();
    auto rows = run(fmt::format("UPDATE postseal_sts SET lease_node = $1, lease_until = $2"
                                " WHERE domain IN (SELECT domain FROM postseal_sts"
                                " WHERE refresh_at > 0 AND refresh_at <= $5 AND lease_until <= $3"
                                " AND (failed_by <> $1 OR refresh_at <= $6)"
                                " ORDER BY refresh_at LIMIT $4 FOR UPDATE SKIP LOCKED)"
                                " RETURNING {}",
                                table_of<SharedPolicy>.columns),
                    {Param::of(node), Param::of(now + hold), Param::of(now),
                     Param::of(static_cast<std::int64_t>(most)), Param::of(now - due_for),
                     Param::of(now - left_to_others)});
    if (!rows) return error_of(rows);
    auto leased = read<SharedPolicy>(*rows);
    std::ranges::sort(leased, {}, [](const SharedPolicy& policy) { return policy.row.refresh_at; });
    return leased;
}

Result<std::size_t> SharedStore::prune(milliseconds age, std::size_t most, WallTime own_now) {
    if (auto is = ready(); !is) return error_of(is);
    std::size_t gone = 0;
    const std::string clock = fmt::format("least({}, $3)", read_clock);
    const Params params{Param::of(std::int64_t{age.count()}),
                        Param::of(static_cast<std::int64_t>(most)), Param::of(own_now)};
    for (const SharedTable& table : {table_of<SharedPolicy>, table_of<SharedNexthop>}) {
        const bool of_policies = table.name == table_of<SharedPolicy>.name;
        auto rows = run(fmt::format("DELETE FROM {0} WHERE {1} IN (SELECT {1} FROM {0}"
                                    " WHERE changed_at < {2} - $1{3} LIMIT $2) RETURNING {1}",
                                    table.name, table.key, clock,
                                    of_policies ? fmt::format(" AND expires_at < {}", clock) : ""),
                        params);
        if (!rows) return error_of(rows);
        gone += static_cast<std::size_t>(rows->size());
    }
    auto log = run(fmt::format("DELETE FROM postseal_log WHERE version IN (SELECT l.version FROM"
                               " postseal_log l, postseal_change c WHERE l.at < {} - $1"
                               " AND l.version < c.version LIMIT $2)",
                               clock),
                   {Param::of(std::int64_t{keep_log.count()}), params[1], params[2]});
    if (!log) return error_of(log);
    return gone;
}

Result<bool> SharedStore::report(const Node& node) {
    if (auto is = ready(); !is) return error_of(is);
    auto last = run("SELECT coalesce(max(seen_at), 0) FROM postseal_node WHERE node = $1",
                    {Param::of(node.id)});
    if (!last) return error_of(last);
    const bool by_another = reported_at_ && last->time(0, 0) > *reported_at_;
    reported_at_ = server_now(); // also if nobody knows whether it was written
    auto done = run("INSERT INTO postseal_node (node, version, started_at, seen_at, feed)"
                    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (node) DO UPDATE SET"
                    " version = excluded.version, started_at = excluded.started_at,"
                    " seen_at = excluded.seen_at, feed = excluded.feed",
                    {Param::of(node.id), Param::of(node.version), Param::of(node.started_at),
                     Param::of(reported_at_), Param::of(node.feed)});
    if (!done) return error_of(done);
    return by_another;
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
