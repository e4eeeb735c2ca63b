// dane/match.h: which TLSA records a certificate chain matches (RFC 7671, RFC 7672 section 3)
//
// Octets in, answer out: whoever has the chain has made the digests. Usage 3 is compared with the
// server's own certificate only, usage 2 with the others only, as Postfix does it. Of records with
// the same usage and selector, those with a weaker digest than another usable one are passed over
// (digest agility, RFC 7671 section 9); matching type 0 is never passed over and passes over none.
// A match with usage 2 is not yet all: the chain up to that certificate must be verified. Nor is
// `not_in_chain` a no: the record itself holds the trust anchor, which may have signed the chain
// though the server does not send it (RFC 7671 section 5.2.3).
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/dane/tlsa.h"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::dane {

// The data that a TLSA record may have for one certificate.
struct Associations {
    // By selector (0: the certificate, 1: its SubjectPublicKeyInfo), then by matching type (0:
    // whole, 1: SHA2-256, 2: SHA2-512).
    std::array<std::array<std::string, 3>, 2> data;
    friend bool operator==(const Associations&, const Associations&) = default;
};

struct RecordMatch {
    enum class Result { matched, no_match, not_in_chain, passed_over, unusable };
    Result result = Result::no_match;
    std::size_t depth = 0; // matched: of the certificate in the chain, 0 is the server's own
    std::string reason;    // passed_over, unusable: why

    friend bool operator==(const RecordMatch&, const RecordMatch&) = default;
};
[[nodiscard]] std::string_view to_string(RecordMatch::Result result);

// One for each record, in their order. `chain`: as sent, the server's own certificate first.
[[nodiscard]] std::vector<RecordMatch> match(std::span<const Tlsa> records,
                                             std::span<const Associations> chain);

} // namespace postseal::dane
