// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/shared_store.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <optional>
#include <span>
#include <thread>
#include <utility>

namespace postseal::fleet {
namespace {

// Never changed once released: another version is another list behind this one.
// IF NOT EXISTS: some servers do not take such statements back with their transaction, and then an
// init that broke off is simply run again. The first rows come last.
constexpr const char* version_1[] = {
    "CREATE TABLE IF NOT EXISTS postseal_meta ("
    " one integer PRIMARY KEY CHECK (one = 1),"
    " schema_version integer NOT NULL,"
    " identity text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS postseal_feed ("
    " one integer PRIMARY KEY CHECK (one = 1),"
    " version bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS postseal_sts ("
    " domain text PRIMARY KEY,"
    " body bytea NOT NULL,"
    " id text NOT NULL,"
    " fetched_at bigint NOT NULL,"
    " expires_at bigint NOT NULL,"
    " failures bigint NOT NULL,"
    " failed_id text NOT NULL,"
    " fault text NOT NULL,"
    " reason text NOT NULL,"
    " failed_at bigint NOT NULL,"
    " retry_at bigint NOT NULL,"
    " refresh_at bigint NOT NULL,"
    " record_gone boolean NOT NULL,"
    " origin text NOT NULL,"
    " forgotten_at bigint NOT NULL,"
    " changed_at bigint NOT NULL,"
    " version bigint NOT NULL,"
    " lease_node text NOT NULL DEFAULT '',"
    " lease_until bigint NOT NULL DEFAULT 0)",
    "CREATE INDEX IF NOT EXISTS postseal_sts_by_version ON postseal_sts (version)",
    "CREATE INDEX IF NOT EXISTS postseal_sts_by_refresh ON postseal_sts (refresh_at)"
    " WHERE refresh_at > 0",
    "CREATE INDEX IF NOT EXISTS postseal_sts_by_change ON postseal_sts (changed_at)",
    "CREATE TABLE IF NOT EXISTS postseal_nexthop ("
    " nexthop text PRIMARY KEY,"
    " dane boolean NOT NULL,"
    " dane_seen_at bigint NOT NULL,"
    " verdict text NOT NULL,"
    " verdict_row bigint NOT NULL,"
    " verdict_since bigint NOT NULL,"
    " seen_at bigint NOT NULL,"
    " forgotten_at bigint NOT NULL,"
    " changed_at bigint NOT NULL,"
    " version bigint NOT NULL)",
    "CREATE INDEX IF NOT EXISTS postseal_nexthop_by_version ON postseal_nexthop (version)",
    "CREATE INDEX IF NOT EXISTS postseal_nexthop_by_change ON postseal_nexthop (changed_at)",
    "CREATE TABLE IF NOT EXISTS postseal_override ("
    " key text PRIMARY KEY,"
    " line text NOT NULL,"
    " set_by text NOT NULL,"
    " changed_at bigint NOT NULL,"
    " version bigint NOT NULL)",
    "CREATE INDEX IF NOT EXISTS postseal_override_by_version ON postseal_override (version)",
    "CREATE TABLE IF NOT EXISTS postseal_node ("
    " node text PRIMARY KEY,"
    " version text NOT NULL,"
    " started_at bigint NOT NULL,"
    " seen_at bigint NOT NULL,"
    " feed bigint NOT NULL)",
    "INSERT INTO postseal_feed (one, version) VALUES (1, 0) ON CONFLICT (one) DO NOTHING",
};
constexpr const char* version_2[] = {
    "ALTER TABLE postseal_sts ADD COLUMN IF NOT EXISTS failed_by text NOT NULL DEFAULT ''",
    "ALTER TABLE postseal_nexthop ADD COLUMN IF NOT EXISTS dane_by text NOT NULL DEFAULT ''",
};
// The counter has moved to a table of another name, so that a node of the version before cannot
// count without a token: it finds no postseal_feed, and goes on by itself.
constexpr const char* version_3[] = {
    "CREATE TABLE IF NOT EXISTS postseal_change ("
    " one integer PRIMARY KEY CHECK (one = 1),"
    " version bigint NOT NULL)",
    "INSERT INTO postseal_change (one, version) SELECT one, version FROM postseal_feed"
    " ON CONFLICT (one) DO NOTHING",
    "CREATE TABLE IF NOT EXISTS postseal_log ("
    " version bigint PRIMARY KEY,"
    " token text NOT NULL,"
    " at bigint NOT NULL)",
    "CREATE INDEX IF NOT EXISTS postseal_log_by_time ON postseal_log (at)",
    "DROP TABLE IF EXISTS postseal_feed",
};
constexpr std::span<const char* const> versions[] = {version_1, version_2, version_3};
static_assert(std::size(versions) == schema_version);

// "postseal" as octets: nobody else's lock, one would hope.
constexpr std::int64_t init_lock = 0x706f'7374'7365'616c;
constexpr milliseconds init_wait{60'000};
constexpr milliseconds init_pause{200};

} // namespace

// Begins a transaction that only one init can be in. False: another has it.
Result<bool> SharedStore::lock_schema() {
    if (auto begun = run("BEGIN"); !begun) return std::unexpected(std::move(begun.error()));
    auto locked = run("SELECT pg_try_advisory_xact_lock($1)", {Param::of(init_lock)});
    if (!locked && locked.error().fault == Fault::refused) {
        // A server without such locks; then statements and the primary keys must do.
        if (auto begun = run("BEGIN"); !begun) return std::unexpected(std::move(begun.error()));
        return true;
    }
    if (!locked) return std::unexpected(std::move(locked.error()));
    if (locked->flag(0, 0)) return true;
    postgres_.give_up();
    return false;
}

// 0: there are none, or they are not complete.
Result<int> SharedStore::found_schema() {
    auto there = run("SELECT to_regclass('postseal_meta') IS NOT NULL");
    if (!there) return std::unexpected(std::move(there.error()));
    if (!there->flag(0, 0)) return 0;
    auto version = run("SELECT coalesce(max(schema_version), 0) FROM postseal_meta");
    if (!version) return std::unexpected(std::move(version.error()));
    return static_cast<int>(version->number(0, 0));
}

Result<> SharedStore::make_tables(int from) {
    for (const auto statements : std::span(versions).subspan(static_cast<std::size_t>(from)))
        for (const char* statement : statements)
            if (auto done = run(statement); !done) return std::unexpected(std::move(done.error()));
    auto done = run("INSERT INTO postseal_log (version, token, at)"
                    " SELECT version, $1, $2 FROM postseal_change ON CONFLICT (version) DO NOTHING",
                    {Param::of(new_token()), Param::of(server_now())});
    if (!done) return std::unexpected(std::move(done.error()));
    done = run("INSERT INTO postseal_meta (one, schema_version, identity) VALUES (1, $1, $2)"
               " ON CONFLICT (one) DO UPDATE SET schema_version = excluded.schema_version",
               {Param::of(std::int64_t{schema_version}), Param::of(new_token())});
    if (!done) return std::unexpected(std::move(done.error()));
    done = run("COMMIT");
    if (!done) return std::unexpected(std::move(done.error()));
    return {};
}

Result<bool> SharedStore::init(const std::function<void()>& on_wait) {
    auto checked = check();
    if (checked) return false;
    if (checked.error().fault != Fault::schema || about_.schema > schema_version)
        return std::unexpected(std::move(checked.error()));
    const auto end = std::chrono::steady_clock::now() + init_wait;
    for (bool waited = false;;) {
        auto made = init_once();
        const bool again = !made && made.error().fault == Fault::conflict;
        if (!again && !made) return std::unexpected(std::move(made.error()));
        const std::optional<bool> done = made ? *made : std::nullopt;
        if (done) {
            checked = check();
            if (!checked) return std::unexpected(std::move(checked.error()));
            return *done;
        }
        if (!again && !std::exchange(waited, true) && on_wait) on_wait();
        if (std::chrono::steady_clock::now() > end)
            return std::unexpected(Error{
                Fault::conflict, "another \"postseal store init\" is at work, and does not end"});
        std::this_thread::sleep_for(init_pause);
    }
}

// Nothing: another is at work. False: another has done it.
Result<std::optional<bool>> SharedStore::init_once() {
    if (!postgres_.is_open())
        if (auto connected = postgres_.connect(); !connected)
            return std::unexpected(std::move(connected.error()));
    auto locked = lock_schema();
    if (!locked) return std::unexpected(std::move(locked.error()));
    if (!*locked) return std::nullopt;
    auto found = found_schema();
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found >= schema_version) {
        postgres_.give_up();
        return false;
    }
    if (auto made = make_tables(*found); !made) return std::unexpected(std::move(made.error()));
    return true;
}

} // namespace postseal::fleet
