// https/policy_fetch.h: a policy from its HTTPS host (RFC 8461 section 3.3)
//
// GET https://mta-sts.DOMAIN/.well-known/mta-sts.txt: addresses from our own resolver, both
// families with a 250 ms head start for IPv6, TLS 1.2 or later with SNI, chain and name against the
// system's trust store, status 200 only, no redirects, media type text/plain, at most 64 KiB of
// body and 16 KiB of head, 30 s in all. Unless allow_private, no connection to an address that is
// not global.
// Errors: a kind, which TLS reports name too (RFC 8460 section 4.3.2.2), and a clause for an
// operator.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "dns/resolver.h"
#include "postseal/base/domain.h"
#include "postseal/base/time.h"
#include "postseal/mtasts/policy.h"
#include "tls/fault.h"

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace postseal::https {

enum class FetchFault {
    dns,             // no address, or the lookup failed
    private_address, // every address is one that allow_private would be needed for
    connect,         // refused, unreachable, reset
    timeout,         // connect, handshake or exchange took too long
    tls,             // handshake: protocol, alert
    cert_untrusted,  // no chain to the trust store, self-signed, revoked
    cert_expired,    // or not yet valid
    cert_name,       // does not name mta-sts.DOMAIN
    http,            // malformed or truncated HTTP
    status,          // not 200; a redirect too
    media_type,      // not text/plain
    too_large,       // head or body
    policy,          // the text is not a policy
    no_turn,         // the host was not asked: our own limits left no turn in time
};
inline constexpr std::size_t fetch_faults = 14;
// "cert-expired": for JSON, metrics and the store.
[[nodiscard]] std::string_view to_string(FetchFault fault);
// sts-policy-fetch-error, sts-policy-invalid or sts-webpki-invalid; empty for no_turn, which is not
// the other side's.
[[nodiscard]] std::string_view tlsrpt_result(FetchFault fault);

struct FetchError {
    FetchFault fault;
    std::string reason;
    bool ours = false;    // our own DNS cannot validate: nothing is known of the other side
    std::string body;     // policy: the text that is none
    bool no_host = false; // dns: there is no address, as the name servers report
    friend bool operator==(const FetchError&, const FetchError&) = default;
};

struct FetchedPolicy {
    mtasts::Policy policy;
    std::string body; // as served
    std::string note; // what is odd about the answer and was passed over; empty: nothing
    // The answer's Date (RFC 9110 section 6.6.1), and the address that said so.
    std::optional<WallTime> date;
    std::string address;
    friend bool operator==(const FetchedPolicy&, const FetchedPolicy&) = default;
};

// Of the connection on which a policy is fetched.
[[nodiscard]] FetchError fetch_error(tls::Error error);

using FetchResult = std::expected<FetchedPolicy, FetchError>;

class PolicyFetcher {
  public:
    virtual ~PolicyFetcher() = default;
    // For whom; clients take turns. Its `queued`, if given, counts what waits while the host is not
    // asked because our own limits leave no turn, for it or for questions of its address, and after
    // a wait of a second or more until the fetch ends; outlives the task.
    virtual async::Task<FetchResult> fetch(Domain policy_domain, dns::Asker asker) = 0;
};

} // namespace postseal::https
