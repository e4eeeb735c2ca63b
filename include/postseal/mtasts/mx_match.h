// mtasts/mx_match.h: an "mx" value of a policy, and the hosts it stands for (RFC 8461 section 4.1)
//
// A host name, or "*." and a host name: the Domain of RFC 5321 section 4.1.2 in A-labels, so
// without a dot at the end. "*" stands for exactly one leftmost label.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/domain.h"

#include <expected>
#include <string>
#include <string_view>

namespace postseal::mtasts {

struct MxPattern {
    bool wildcard = false;
    Domain domain; // what follows "*." when wildcard

    // "mx.example.com" or "*.example.com". Errors as of Domain.
    [[nodiscard]] static std::expected<MxPattern, DomainError> parse(std::string_view text);
    [[nodiscard]] bool matches(const Domain& host) const;
    [[nodiscard]] std::string text() const;

    friend bool operator==(const MxPattern&, const MxPattern&) = default;
};

} // namespace postseal::mtasts
