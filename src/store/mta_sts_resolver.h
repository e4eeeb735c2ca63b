// store/mta_sts_resolver.h: the SQLite cache of postfix-mta-sts-resolver, for a migration
//
// Its table is sts_policy_cache (domain text, ts integer, pol_id text, pol_body text). ts, in
// seconds, is when the policy was fetched, or when its record still had the same id; pol_body is
// the policy's fields as a JSON object. It is only read; that program may go on meanwhile.
// Thread: any.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::store {

struct ResolverRow {
    std::int64_t number = 0; // SQLite's rowid
    std::string domain;
    WallTime fetched_at;
    std::string id;
    std::string body;
};

// By the first octets of a file.
[[nodiscard]] bool is_sqlite(std::string_view head);

// Errors: a sentence that names the file.
[[nodiscard]] std::expected<std::vector<ResolverRow>, std::string>
read_mta_sts_resolver(const std::string& path);

} // namespace postseal::store
