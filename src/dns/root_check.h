// dns/root_check.h: whether the root's own DNSKEY RRset validates; if not, why, and how to fix it
//
// It is what all validation rests on (RFC 4035 section 5). If it does not validate, the fault is
// ours or our network's, and nothing can be said about a domain that looks forged. An answer that
// is insecure means that no trust anchor is the root's: then there is nothing to check.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/resolver.h"
#include "dns/trust_anchor.h"
#include "postseal/base/time.h"

#include <span>
#include <string>
#include <string_view>

namespace postseal::dns {

// What came for the question.
struct RootAnswer {
    Answer answer;
    std::string message; // wire form, with the signatures; empty: there was none
};

enum class RootFault {
    none,         // it validates
    trust_anchor, // no key that signs the root is in our trust anchor
    stripped,     // the answer has no signature
    clock,        // the signature is of another time than our clock's
    altered,      // there is a signature for our key and our time, which does not fit
    unreachable,  // no answer, or none with data
};
inline constexpr RootFault root_faults[] = {RootFault::trust_anchor, RootFault::stripped,
                                            RootFault::clock, RootFault::altered,
                                            RootFault::unreachable};
// "trust-anchor"
[[nodiscard]] std::string_view to_string(RootFault fault);

// Whom our resolver asks.
enum class AskedServers {
    authoritative, // the name servers of the Internet, from the root on
    forwarders,    // those of dns.forward
    system,        // those of /etc/resolv.conf
};
[[nodiscard]] std::string_view to_string(AskedServers asked);

struct RootCheck {
    RootFault fault = RootFault::none;
    std::string reason; // a clause
    std::string fix;    // an imperative

    friend bool operator==(const RootCheck&, const RootCheck&) = default;
};

// `anchors`: those that are known of; an unbound.conf may hold others.
[[nodiscard]] RootCheck check_root(const RootAnswer& root, std::span<const TrustAnchor> anchors,
                                   AskedServers asked, WallTime now);

// "our own DNSSEC validation fails (clock): ...; fix: ...": a clause for an operator.
[[nodiscard]] std::string own_fault_clause(const RootCheck& check);

} // namespace postseal::dns
