// store/salvage.h: what can still be read of a damaged database file, put into a new one
//
// Policies first: they are promises. A table is read in its own order; where a page is damaged the
// rows behind it are looked for by key, from both ends where a key cannot be guessed.
// Blocks on the disk: the writer's thread, or an opened file's start. `stop` may be set by any
// thread, and ends it early with what was saved by then.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/connection.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

namespace postseal::store {

struct Salvaged {
    struct Table {
        std::uint64_t saved = 0;
        std::optional<std::uint64_t> lost; // nothing: how many there were cannot be read either
    };
    Table policies; // rows of policy domains, with a policy or with the failure to fetch one
    Table nexthops;
    Table history;
};
// "12 policies, 30 nexthops and 5 rows of history were saved; lost: 1, 0 and an unknown number"
[[nodiscard]] std::string to_words(const Salvaged& salvaged);

// `from`: the damaged file, which is not written. Rows that `into` holds already stay. Error: of
// writing into the new one, or `from` cannot be opened or read now, which says nothing of its rows.
[[nodiscard]] DbResult<Salvaged> salvage(const std::string& from, Connection& into,
                                         const std::atomic<bool>& stop);

} // namespace postseal::store
