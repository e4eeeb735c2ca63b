// store/queries.h: what can be asked about all that is stored, see Archive::ask()
//
// A new question is a function here, and its SQL in queries.cpp: whoever asks names the function.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/db_error.h"
#include "store/store.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace postseal::store {

class Connection;

// Of one nexthop, the newest first, at most `most`.
[[nodiscard]] DbResult<std::vector<HistoryRow>>
history_of(Connection& connection, const std::string& nexthop, std::size_t most);
// Of all nexthops; the newest first, at most `most`.
[[nodiscard]] DbResult<std::vector<HistoryRow>>
latest_history(Connection& connection, HistoryRow::Kind kind, std::size_t most);

// The nexthops behind `after`, by key, at most `most`; none is left when there are fewer.
[[nodiscard]] DbResult<std::vector<NexthopRow>>
nexthops_after(Connection& connection, const std::string& after, std::size_t most);
// The same of policies, by domain.
[[nodiscard]] DbResult<std::vector<StsRow>>
policies_after(Connection& connection, const std::string& after, std::size_t most);
struct Listed {
    NexthopRow nexthop;
    std::optional<StsRow> sts; // of its policy domain

    friend bool operator==(const Listed&, const Listed&) = default;
};
// The nexthops, each with its policy.
[[nodiscard]] DbResult<std::vector<Listed>>
listed_after(Connection& connection, const std::string& after, std::size_t most);

// The domains whose last fetch failed, the latest first, at most `most`.
[[nodiscard]] DbResult<std::vector<StsRow>> failing_policies(Connection& connection,
                                                             std::size_t most);

// How many there are.
struct Census {
    std::map<std::string, std::uint64_t> modes; // policies held, by mode
    std::map<std::string, std::uint64_t>
        verdicts;              // nexthops, by the first word of theirs; "": none
    std::uint64_t failing = 0; // domains whose last fetch failed
    std::uint64_t due = 0;     // policies to be looked at again by now; at most max_due

    static constexpr std::uint64_t max_due = 100'000;
    friend bool operator==(const Census&, const Census&) = default;
};
// Costs about what one load does, however much is stored.
[[nodiscard]] DbResult<Census> census(Connection& connection, WallTime now);

} // namespace postseal::store
