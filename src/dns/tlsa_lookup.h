// dns/tlsa_lookup.h: the DANE state of one MX host (RFC 7672 sections 2.2.2, 2.2.3 and 3.1)
//
// Addresses first, A and AAAA at the same time; one secure family is enough. Insecure addresses
// mean no TLSA lookup at all (N), except where a CNAME that is itself secure led to them: then the
// host's own name is the base domain. Else the TLSA RRset is looked up at _port._tcp of the
// CNAME-expanded name and, only if there is securely none or the answer there is insecure (which
// counts as none, section 2.1.1), of the original name. A lookup that fails is F and ends it; but a
// family that fails beside one that is found, or beside a proof that the zone is not signed, was
// not needed. Before both have answered, `on_early` is given what is sure, because one family is
// secure (HostLookup::ended); or what holds for now, because a second family is silent 1 s after
// the first and counts as failed, and the host is N by that (HostLookup::provisional).
//
// Beside addresses (TlsaQuestion) the TLSA RRset at the host's own name is asked for earlier, by
// one round trip. Whether it counts is decided as above all the same: where it does not, its answer
// is neither looked at nor waited for.
//
// Where the CNAME is made of a DNAME (RFC 6672), nobody signs it, and libunbound calls the question
// for it bogus, though it follows and validates the same DNAME for the addresses. Then a DNAME that
// is secure at a name above the host takes its place: below such a name there are no records
// (section 2.4), so the host is an alias as surely as by a signed CNAME of its own, and the TLSA
// lookup at its name goes by the same DNAME. Who only strips or forges signatures cannot turn F
// into N with it: the DNAME must validate, the insecure addresses are libunbound's proof of an
// unsigned zone on the way, and the TLSA lookup is made and must be securely none or provably
// unsigned, too.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/loop.h"
#include "async/task.h"
#include "dns/resolver.h"
#include "postseal/base/domain.h"
#include "postseal/verdict/evidence.h"

#include <cstdint>

namespace postseal::dns {

struct HostResult {
    verdict::Host host;
    seconds ttl{0}; // least of all RRsets that decided; 0 when a needed lookup failed

    friend bool operator==(const HostResult&, const HostResult&) = default;
};

// Called during the lookup, at most once; must only look.
struct OnEarly {
    void (*fn)(void*, const HostResult&) = nullptr;
    void* arg = nullptr;
};

// When the TLSA RRset at the host's own name is asked for.
enum class TlsaQuestion {
    after_addresses,  // only if their security lets it count
    beside_addresses, // at the same time
};

[[nodiscard]] async::Task<HostResult> tlsa_lookup(async::Loop& loop, Resolver& resolver,
                                                  Domain host, std::uint16_t port,
                                                  TlsaQuestion when = TlsaQuestion::after_addresses,
                                                  OnEarly on_early = {});

} // namespace postseal::dns
