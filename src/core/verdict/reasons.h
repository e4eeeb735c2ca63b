// verdict/reasons.h: evidence in words, for whoever asks at three in the morning
//
// Plain clauses without a full stop, printable ASCII, at most 400 octets each, that name the host,
// the record type and the cause.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/decide.h"
#include "postseal/verdict/evidence.h"

#include <string>
#include <vector>

namespace postseal::verdict {

// The MX RRset, each host, MTA-STS, and whether the deadline cut the lookups short: in this order.
[[nodiscard]] std::vector<std::string> describe(const Evidence& evidence, WallTime now);

[[nodiscard]] std::string mx_clause(const Evidence& evidence);

struct Blame {
    Cause cause = Cause::none;
    std::string reason;
};

// Why mail is deferred, for the log of Postfix: at most 200 octets, of which no name or cause takes
// so many that the rest does not fit. Rows 3 and 5 blame the MX RRset, row 8 the first host that
// failed; an MTA-STS policy that is unknown() blames ourselves.
[[nodiscard]] Blame mx_blame(const Evidence& evidence);
[[nodiscard]] Blame host_blame(const Evidence& evidence);
[[nodiscard]] Blame sts_blame(const Evidence& evidence);

} // namespace postseal::verdict
