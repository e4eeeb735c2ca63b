// delivery/facts.h: what was seen of a destination's MX hosts, address by address
//
// A value: filled by probe/, judged by predict.h, shown by `postseal probe`. Reasons are clauses
// for an operator, printable.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/nexthop.h"
#include "postseal/base/time.h"
#include "postseal/dane/match.h"
#include "postseal/dane/tlsa.h"
#include "postseal/verdict/evidence.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::delivery {

struct Certificate {
    std::string subject;
    std::string issuer;
    std::vector<std::string> dns_names; // subjectAltName
    std::string common_name;            // counts as a name if there are no dns_names
    WallTime begins{milliseconds(0)};
    WallTime ends{milliseconds(0)};
    std::string key; // "EC 256 bits"
    dane::Associations associations;

    friend bool operator==(const Certificate&, const Certificate&) = default;
};

// A TLSA record held against the chain. A record of usage 2 that matches is followed by the
// verification of the chain up to that certificate: `fault` says why it fails.
struct TlsaCheck {
    dane::Tlsa record;
    dane::RecordMatch match;
    std::string fault; // matched, usage 2: of the chain; empty: it is verified

    friend bool operator==(const TlsaCheck&, const TlsaCheck&) = default;
};

struct Tls {
    std::string version; // "TLS1.3"
    std::string cipher;
    bool old = false;               // before TLS 1.2
    std::string server_name;        // sent as SNI
    std::vector<Certificate> chain; // as sent, the server's own first
    std::string chain_fault;        // against the trust store, dates too; empty: none
    std::vector<TlsaCheck> tlsa;

    friend bool operator==(const Tls&, const Tls&) = default;
};

enum class Step { connect, greeting, ehlo, starttls, handshake };
[[nodiscard]] std::string_view to_string(Step step);

// What ended an attempt. A STARTTLS that is not offered, or refused in so many words, is none.
struct Fault {
    Step step = Step::connect;
    bool late = false; // the time limit
    std::string reason;

    friend bool operator==(const Fault&, const Fault&) = default;
};

struct Took {
    Step step = Step::connect;
    milliseconds time{0};

    friend bool operator==(const Took&, const Took&) = default;
};

// One connection to one address.
struct Attempt {
    std::string address;
    std::vector<Took> took; // the steps that were finished
    std::optional<Fault> fault;
    std::string greeting;
    std::vector<std::string> extensions; // of the EHLO reply
    bool offers_starttls = false;
    std::string starttls_refusal; // the reply to STARTTLS, if it is not one of success
    // Octets in plain text behind that reply, as an attacker slips them in to count as said within
    // TLS (RFC 3207 section 4.2). They are dropped, as Postfix does.
    std::size_t slipped_in = 0;
    std::optional<Tls> tls;

    [[nodiscard]] bool answered() const; // as far as EHLO
    friend bool operator==(const Attempt&, const Attempt&) = default;
};

struct MxHost {
    verdict::Host host;
    std::vector<Attempt> attempts;    // IPv6 first; empty: no address, `no_address` says why
    std::string no_address;           // or why none was tried
    std::size_t addresses_beyond = 0; // left out, past the limit of a host

    friend bool operator==(const MxHost&, const MxHost&) = default;
};

struct Destination {
    Nexthop nexthop;
    verdict::MxState mx = verdict::MxState::failed;
    std::string mx_reason;      // bogus, failed, nxdomain, null_mx: why
    std::string canonical_name; // where a CNAME at the domain led; empty: nowhere
    std::vector<MxHost> hosts;  // by preference

    friend bool operator==(const Destination&, const Destination&) = default;
};

} // namespace postseal::delivery
