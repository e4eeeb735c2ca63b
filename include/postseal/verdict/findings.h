// verdict/findings.h: what an operator should hear of a destination beside its verdict
//
// A finding has a code, a sentence and a fix. Pure: the same evidence has the same findings.
// policy_fits_none, policy_fits_some: the MX RRset was obtained and the MTA-STS policy in force
// (enforce or testing) covers none, or not all, of the MX hosts (RFC 8461 section 4.1). Postfix
// sends to no host that the policy does not cover.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"
#include "postseal/verdict/evidence.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::verdict {

enum class FindingCode {
    deferred, // by what a map says now: engine/findings.h
    policy_fits_none,
    policy_fits_some,
};
inline constexpr std::array finding_codes{FindingCode::deferred, FindingCode::policy_fits_none,
                                          FindingCode::policy_fits_some};
[[nodiscard]] std::string_view to_string(FindingCode code); // "policy-fits-none"

struct Finding {
    FindingCode code{};
    std::string text; // a sentence without its full stop
    std::string fix;

    friend bool operator==(const Finding&, const Finding&) = default;
};

[[nodiscard]] std::vector<Finding> findings(const Evidence& evidence, WallTime now);

} // namespace postseal::verdict
