// cli/import_entries.h: what "import" reads, entry by entry
//
// Either JSON lines, each a KEPT with body as "export --json" writes it (serve/kept_json.h), or the
// SQLite cache of postfix-mta-sts-resolver (store/mta_sts_resolver.h); the first octets tell.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "cli/admin_client.h"

#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

namespace postseal::cli {

struct Entry {
    std::string place; // "FILE:12", or "FILE: row 12, example.com"
    Json kept;
    std::string fault; // not empty: why it is none
};

// `take` is given each entry, and how many of how many have been read (octets or rows; 0: not
// known); what it gives back says whether to go on. "-": standard input.
// Errors: a sentence that names the file.
using Take = std::function<bool(Entry entry, std::size_t read, std::size_t total)>;
[[nodiscard]] std::expected<void, ClientError> each_entry(const std::string& file,
                                                          const Take& take);

// A row of postfix-mta-sts-resolver's cache: its pol_body as a policy file.
[[nodiscard]] std::expected<std::string, std::string> policy_file(std::string_view pol_body);

} // namespace postseal::cli
