// verdict/evidence.h: all that was found out about a nexthop, and until when it holds
//
// A value: filled by the engine, judged by decide(), shown by `postseal explain`. Reasons are
// clauses for an operator that name the host, the record type and the cause.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/nexthop.h"
#include "postseal/base/time.h"
#include "postseal/dane/tlsa.h"
#include "postseal/mtasts/policy.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::verdict {

// The MX RRset, or for an implicit MX the proof that there is none. A literal host, which the
// operator's own configuration names, counts as secure.
enum class MxState { secure, insecure, bogus, failed, null_mx, nxdomain };

// RFC 7672 section 2.2; the letters are those of the decision table.
enum class HostState {
    usable,     // U: secure addresses and at least one usable TLSA record
    unusable,   // X: a secure TLSA RRset, none usable
    none,       // N: securely no TLSA, or insecure addresses
    failed,     // F: a needed lookup is bogus or fails
    no_address, // A: securely or not, no address: left out
};
[[nodiscard]] char letter(HostState state);
[[nodiscard]] std::string_view to_string(HostState state);
[[nodiscard]] std::string_view to_string(MxState state);

// How far a host's lookups have got. provisional: `state` leaves out an address family that is
// late; pending: `state` is failed until they end.
enum class HostLookup { ended, provisional, pending };

struct Host {
    Domain name;
    std::uint16_t preference = 0;
    HostState state = HostState::failed;
    bool address_secure = false;
    std::string tlsa_name;        // "_25._tcp.mx.example.com", where the RRset in `tlsa` was found
    std::vector<dane::Tlsa> tlsa; // U and X
    std::string reason;           // N, F, A: why; X: why none is usable
    HostLookup lookup = HostLookup::ended;
    bool bogus = false; // F: what failed is bogus

    friend bool operator==(const Host&, const Host&) = default;
};

inline constexpr std::size_t max_hosts = 128; // of an MX RRset, that are looked up

struct Mx {
    MxState state = MxState::failed;
    bool implicit = false;      // no MX RRset: the domain is its own host (RFC 5321 section 5.1)
    std::string canonical_name; // where a CNAME at the domain led; empty: nowhere
    std::vector<Host> hosts;    // by preference, at most max_hosts
    std::size_t beyond = 0;     // hosts that are not looked up, for they are too many: each is F
    std::size_t addresses = 0;  // records that name an address, where DANE cannot be: each is N
    std::string reason;         // bogus, failed, nxdomain, null_mx: why
    seconds ttl{0};             // the least of all RRsets used, bounded by the caller
    bool pending = false;       // not answered yet: `state` is failed until it is

    friend bool operator==(const Mx&, const Mx&) = default;
};

enum class RecordState {
    pending, // not looked up, or not answered before the deadline
    found,
    absent,
    invalid, // several records, or one that does not parse
    failed,  // the lookup failed or is bogus
};
[[nodiscard]] std::string_view to_string(RecordState state);

enum class FetchState {
    not_needed, // no record, or its id is that of the policy held
    fetched,
    failed,  // now, or lately and not to be tried again before `retry_at`
    invalid, // fetched, but no policy
    pending, // not done before the deadline
    waiting, // the policy host has not been asked: no turn in our own queue yet
};
[[nodiscard]] std::string_view to_string(FetchState state);

struct Sts {
    RecordState record = RecordState::pending;
    std::string record_id; // found
    std::string
        record_reason; // invalid, failed: why; absent: the text that is not a record; found: a note
    FetchState fetch = FetchState::not_needed;
    std::string fetch_fault;  // failed, invalid: the kind, as https::to_string names it
    std::string fetch_reason; // failed, invalid: why
    std::string fetch_note;   // fetched: what was odd about the answer and was passed over
    std::optional<WallTime> retry_at;

    // The last policy fetched with success, if its max_age has not ended when this was written.
    std::optional<mtasts::Policy> policy;
    std::string policy_id; // the record's id when it was fetched
    WallTime fetched_at{milliseconds(0)};
    WallTime expires_at{milliseconds(0)};

    // Why what is stored of the domain could not be read, a clause: a policy may be in force that
    // is not shown here. Empty: it was read, or a policy has been fetched since.
    std::string unread;

    // Why nobody was asked for the record, by our own fault, a clause. Empty: somebody was.
    std::string unasked;

    // Another policy than one that has ended may be in force, and we have only ourselves to blame
    // that nobody knows.
    [[nodiscard]] bool unknown(WallTime now) const {
        const bool held = policy && now < expires_at;
        return !held && (!unread.empty() || !unasked.empty() || fetch == FetchState::waiting);
    }
    [[nodiscard]] bool in_force(mtasts::Mode mode, WallTime now) const {
        return policy && policy->mode == mode && now < expires_at;
    }
    // E of the decision table: whatever DNS or HTTPS say now (RFC 8461 section 3.3).
    [[nodiscard]] bool enforced(WallTime now) const { return in_force(mtasts::Mode::enforce, now); }

    friend bool operator==(const Sts&, const Sts&) = default;
};

// What an earlier lookup that did not fail said of DANE; counts for 7 days.
enum class Remembered { nothing, no_dane, dane };
[[nodiscard]] std::string_view to_string(Remembered remembered);

// The operator's own word for a nexthop (postseal-overrides(5)).
struct Override {
    enum class Kind {
        policy,   // `policy` goes to Postfix as it is
        ignore,   // the domain's promises do not count
        sts_only, // its MTA-STS policy counts, its DANE does not
        sealed,   // DANE or an enforced MTA-STS policy, or else the mail is deferred
    };
    Kind kind = Kind::policy;
    std::string policy; // already validated

    // What the domain promises must be known.
    [[nodiscard]] bool needs_lookup() const {
        return kind == Kind::sts_only || kind == Kind::sealed;
    }
    // It asks for more than "none" or "may".
    [[nodiscard]] bool protects() const;

    friend bool operator==(const Override&, const Override&) = default;
};

// What overrides say of the other forms of the nexthop's name, "[name]", "name:587" and
// "[name]:587": Postfix asks requiretls about each of them by the name alone.
struct OtherForms {
    bool all_overridden = false;  // each of them, whatever its port
    bool unauthenticated = false; // one lets mail go to a host that is not authenticated
    bool sts_only = false;        // one goes by the domain's MTA-STS policy alone

    friend bool operator==(const OtherForms&, const OtherForms&) = default;
};

struct Evidence {
    Nexthop nexthop;
    Mx mx;
    Sts sts;
    Remembered remembered = Remembered::nothing;
    std::optional<Override> override_;
    OtherForms other_forms;
    WallTime obtained_at{milliseconds(0)};
    bool partial = false; // decided before every lookup had ended, from what was known then

    friend bool operator==(const Evidence&, const Evidence&) = default;
};

// A name with MX hosts of other names is a domain; one without may be a relay, "[host]:587" in
// main.cf, and then the reply to requiretls depends on the policy even beside dane-only.
[[nodiscard]] bool may_be_relay(const Evidence& evidence);

// A needed lookup is bogus or failed: the MX RRset, a host that is F, or the TXT record; or the
// policy is unknown().
[[nodiscard]] bool any_failed(const Evidence& evidence);

} // namespace postseal::verdict
