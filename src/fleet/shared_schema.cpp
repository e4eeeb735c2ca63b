// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/shared_store.h"

#include <fmt/format.h>

#include <iterator>
#include <random>
#include <span>

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
constexpr std::span<const char* const> versions[] = {version_1, version_2};
static_assert(std::size(versions) == schema_version);

std::string chance() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}", device(), device());
}

} // namespace

Result<bool> SharedStore::init() {
    auto checked = check();
    if (checked) return false;
    const bool behind = checked.error().fault == Fault::schema && about_.schema < schema_version;
    if (!behind) return std::unexpected(std::move(checked.error()));
    for (const auto statements :
         std::span(versions).subspan(static_cast<std::size_t>(about_.schema)))
        for (const char* statement : statements)
            if (auto done = run(statement); !done) return std::unexpected(std::move(done.error()));
    auto done = run("INSERT INTO postseal_meta (one, schema_version, identity) VALUES (1, $1, $2)"
                    " ON CONFLICT (one) DO UPDATE SET schema_version = excluded.schema_version",
                    {Param::of(std::int64_t{schema_version}), Param::of(chance())});
    if (!done) return std::unexpected(std::move(done.error()));
    checked = check();
    if (!checked) return std::unexpected(std::move(checked.error()));
    return true;
}

} // namespace postseal::fleet
