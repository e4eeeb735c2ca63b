// dns/txt_lookup.h: the MTA-STS record of a policy domain (RFC 8461 section 3.1)
//
// A CNAME at _mta-sts.DOMAIN is followed. DNSSEC is not asked for by the RFC; a bogus answer is a
// failed lookup. ttl is that of the answer, unbounded; 0 when the lookup failed.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "dns/resolver.h"
#include "postseal/base/domain.h"
#include "postseal/verdict/evidence.h"

#include <string>

namespace postseal::dns {

struct TxtResult {
    verdict::RecordState state = verdict::RecordState::pending;
    std::string id;       // found
    std::string reason;   // invalid, failed: why; absent: what is there instead; found: a note
    bool unasked = false; // failed: nobody was asked, by our own fault
    seconds ttl{0};

    friend bool operator==(const TxtResult&, const TxtResult&) = default;
};

[[nodiscard]] async::Task<TxtResult> txt_lookup(Resolver& resolver, Domain domain);

} // namespace postseal::dns
