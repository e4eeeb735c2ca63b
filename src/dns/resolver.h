// dns/resolver.h: what the lookups ask of a resolver, whatever library it is made of
//
// Names are query names in A-label form without a trailing dot; they may have underscores.
// A resolver validates by DNSSEC itself and never believes somebody's AD bit.
// Thread: the loop's. Destroying the Task withdraws the question.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/limiter.h"
#include "async/task.h"
#include "postseal/base/time.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::dns {

enum class RrType : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    mx = 15,
    txt = 16,
    aaaa = 28,
    dname = 39,
    dnskey = 48,
    tlsa = 52,
};
[[nodiscard]] std::string_view to_string(RrType type);

enum class Security { insecure, secure };

enum class Status {
    found,    // rdata is not empty
    no_data,  // NOERROR without such records
    nxdomain, // the name does not exist
    bogus,    // DNSSEC validation failed
    failed,   // SERVFAIL, timeout, refused, or the library's error
};

// Why, in a word that metrics can have; Answer::reason says more.
// unvalidated: bogus, but because of a fault of our own (dns/validation_health.h).
enum class Failure { none, bogus, unvalidated, servfail, refused, rcode, timeout, busy, library };
// "servfail"
[[nodiscard]] std::string_view to_string(Failure failure);
inline constexpr std::size_t failures = 9;

struct Answer {
    Status status = Status::failed;
    Security security = Security::insecure; // found, no_data, nxdomain
    std::string canonical_name;             // where CNAMEs led, lower case; empty: there was none
    std::vector<std::string> rdata;         // wire form, domain names uncompressed
    seconds ttl{0};     // least of the records used; negative answers: RFC 2308; failures: 0
    std::string reason; // bogus, failed: the cause in words ("SERVFAIL", "no answer in 8 s", ...)
    Failure failure = Failure::none; // bogus, failed

    friend bool operator==(const Answer&, const Answer&) = default;
};

// No answer to build on: bogus or failed.
[[nodiscard]] bool is_failure(const Answer& answer);
// A failure that is our own: for want of a turn or of the library nobody was asked, or so late that
// there was hardly time for an answer.
[[nodiscard]] bool is_unasked(const Answer& answer);

// "TLSA lookup of _25._tcp.mx.example.com failed: SERVFAIL", "... is bogus: ...": a clause for an
// operator, printable.
[[nodiscard]] std::string failure_clause(std::string_view name, RrType type, const Answer& answer);

inline constexpr std::size_t max_name = 253; // octets of a name in text form

// Whether a name in text form can be asked for: not over max_name, each label 1 to 63 octets of
// letters, digits, hyphens and underscores.
[[nodiscard]] bool askable(std::string_view name);

// Who asks. Where questions wait for a turn of ours, those of one client do not hold up another's.
// `queued`, if given, counts the question while it waits for its turn, and after a wait of a second
// or more until it is answered: whoever cannot wait longer reads there that the other side had no
// time to answer. It outlives the question.
struct Asker {
    async::Limiter::ClientId client = nullptr;
    std::size_t* queued = nullptr;
};

class Resolver {
  public:
    virtual ~Resolver() = default;
    virtual async::Task<Answer> resolve(std::string name, RrType type) = 0;
    virtual async::Task<Answer> resolve_for(Asker, std::string name, RrType type) {
        return resolve(std::move(name), type);
    }
};

} // namespace postseal::dns
