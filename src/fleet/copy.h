// fleet/copy.h: a node's own database copied to the shared store, and back
//
// For a node that is to begin with all that is known, or for tables that are to have what a node
// without a fleet has learned, before daemons use them. Each row is merged (fleet/merge.h) with the
// one that is there, so a copy that broke off is simply made again: what has been copied is only
// looked at then. Blocks; thread: any, one at a time. The own database must be this process's
// (store/database_file.h).
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fleet/shared_store.h"
#include "store/database_file.h"

#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <variant>

namespace postseal::fleet {

struct Copied {
    std::size_t policies = 0; // rows of policy domains, looked at
    std::size_t nexthops = 0;
    std::size_t changed = 0; // of both, at the place that was copied to

    friend bool operator==(const Copied&, const Copied&) = default;
};

// Of the shared store, or of the own database: a sentence. What was copied before it stays.
using CopyError = std::variant<Error, std::string>;
using CopyResult = std::expected<Copied, CopyError>;
// Called after each page.
using CopyProgress = std::function<void(const Copied&)>;
using CopyClock = std::function<store::Moment()>; // this node's

[[nodiscard]] CopyResult copy_to_shared(store::DatabaseFile& own, SharedStore& shared,
                                        const CopyClock& clock, const CopyProgress& progress);
[[nodiscard]] CopyResult copy_from_shared(SharedStore& shared, store::DatabaseFile& own,
                                          const CopyClock& clock, const CopyProgress& progress);

} // namespace postseal::fleet
