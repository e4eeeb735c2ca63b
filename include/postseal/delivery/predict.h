// delivery/predict.h: what Postfix would do with mail for a destination, by what was seen of it
//
// A model of smtp(8) of Postfix 3.7 to 3.11: MX hosts in order of preference, only so many
// addresses; the policy is asked for each host; a host that does not satisfy it is passed over for
// the next. TLS before 1.2 is not enough to authenticate a host: OpenSSL 3 refuses its signatures
// at the security level that Postfix then sets.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/delivery/facts.h"
#include "postseal/mtasts/policy.h"
#include "postseal/verdict/decide.h"
#include "postseal/verdict/postfix_policy.h"
#include "postseal/verdict/reply.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::delivery {

// What main.cf and the version make of smtp(8); as it is: of the newest, with defaults.
struct Smtp {
    std::string level = "may";        // smtp_tls_security_level
    bool dane_by_insecure_mx = false; // smtp_tls_dane_insecure_mx_policy = dane
    bool checks_sts_patterns = true;  // smtp_tls_enforce_sts_mx_patterns, since Postfix 3.10.5
    std::size_t address_limit = 5;    // smtp_mx_address_limit; 0: none
    // Why it verifies nothing and has no TLS at all; empty: it has. As of a CA file that cannot be
    // read.
    std::string no_tls;

    friend bool operator==(const Smtp&, const Smtp&) = default;
};
// A Postfix of today with that level, whose other settings are those of the documentation.
[[nodiscard]] Smtp smtp_with(verdict::DefaultLevel level);

// What Postfix is told: the reply that its map gives, main.cf's level if that is "not found".
struct Orders {
    verdict::PostfixPolicy policy;
    std::string defer; // not empty: the lookup fails with this reason
    Smtp smtp;

    friend bool operator==(const Orders&, const Orders&) = default;
};
// `form`: that this version of Postfix reads; one before 3.10 reads the legacy one only.
[[nodiscard]] Orders orders(const verdict::Reply& reply, verdict::Form form, Smtp smtp);

enum class Outcome {
    sealed,      // delivered to a host that is authenticated as the policy demands
    encrypted,   // delivered by TLS, to whoever it is
    clear,       // delivered in the clear
    refused,     // Postfix does not deliver to this host by this policy
    unreachable, // no address, no connection, or no SMTP
    unknown,     // depends on what only main.cf knows
};
[[nodiscard]] std::string_view to_string(Outcome outcome);
[[nodiscard]] bool delivers(Outcome outcome);

struct Prediction {
    Outcome outcome = Outcome::unreachable;
    std::string why; // one clause

    friend bool operator==(const Prediction&, const Prediction&) = default;
};
[[nodiscard]] Prediction predict(const Destination& destination, const MxHost& host,
                                 const Attempt& attempt, const Orders& orders);

// Whether the host, at this address, satisfies a promise, whatever the verdict makes of it.
struct Satisfaction {
    bool satisfied = false;
    std::string why; // one clause

    friend bool operator==(const Satisfaction&, const Satisfaction&) = default;
};
[[nodiscard]] Satisfaction dane(const Destination& destination, const MxHost& host,
                                const Attempt& attempt);
// RFC 8461 section 4.1, whatever the policy's mode.
[[nodiscard]] Satisfaction mta_sts(const mtasts::Policy& policy, const MxHost& host,
                                   const Attempt& attempt);

// The name that Postfix sends as SNI (RFC 7672 section 8.1): the TLSA base domain where it does
// DANE, else the host's name, which is what policies of MTA-STS ask for.
[[nodiscard]] std::string server_name(const Destination& destination, const verdict::Host& host,
                                      const Orders& orders);

// What becomes of a message to the destination.
struct MessageOutcome {
    enum class Kind { sealed, encrypted, clear, deferred, bounced, unknown };
    Kind kind = Kind::deferred;
    std::string host; // sealed, encrypted, clear: the first that takes it
    std::string why;  // one clause

    friend bool operator==(const MessageOutcome&, const MessageOutcome&) = default;
};
[[nodiscard]] std::string_view to_string(MessageOutcome::Kind kind);
// Hosts of one preference are tried in any order: of those that would take it the weakest counts.
[[nodiscard]] MessageOutcome message_outcome(const Destination& destination, const Orders& orders);

// No connection was made to any address, and none was refused: most likely the way out is closed.
[[nodiscard]] bool seems_blocked(const Destination& destination);

} // namespace postseal::delivery
