// verdict/decide.h: the decision table
//
// decide() is pure and total: every evidence has a verdict. The rows and why they say what they say
// are in postseal-verdicts(7) and in contrib/doc/rfc.md; RFC 7672 section 2.2, RFC 8461 sections 2,
// 3.3 and 4.1.
//
// Partial evidence suffices where nothing pending can change the verdict (settled.h):
//   override policy or ignore: nothing is needed; sts-only: MTA-STS alone;
//     sealed: as the row without the override;
//   MX RRset pending: never;
//   row 2 by MX, rows 4, 5: MTA-STS and what is remembered;  row 3: the MX RRset alone;
//   row 6: the MX RRset and every host, without MTA-STS or the store, if Postfix can do DANE;
//   rows 7 to 11 without E: MTA-STS, and one host that is U, X or F;
//   row 8: MTA-STS, and a host that is F beside one that is X or N, all hosts before the F ended;
//   rows 12, 13 with E: the MX RRset and MTA-STS;  row 12 without E: and one host U, X or F.
// All else needs everything. A verdict of E needs MTA-STS to have ended: its reply is the policy.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/names.h"
#include "postseal/verdict/evidence.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::verdict {

// Postfix's security levels that main.cf's smtp_tls_security_level can have, weakest first.
enum class DefaultLevel { none, may, dane, encrypt, dane_only, fingerprint, verify, secure };
inline constexpr auto default_level_names = names_for<DefaultLevel>({
    {DefaultLevel::none, "none"},
    {DefaultLevel::may, "may"},
    {DefaultLevel::dane, "dane"},
    {DefaultLevel::encrypt, "encrypt"},
    {DefaultLevel::dane_only, "dane-only"},
    {DefaultLevel::fingerprint, "fingerprint"},
    {DefaultLevel::verify, "verify"},
    {DefaultLevel::secure, "secure"},
});
[[nodiscard]] std::string_view to_string(DefaultLevel level);
// By what mail is sure to get: dane, which may end without encryption, is weaker than encrypt; the
// four that authenticate the server are weaker than none of each other.
[[nodiscard]] bool is_weaker(DefaultLevel level, DefaultLevel than);

// Row 10, U or X beside N, with an enforce policy.
enum class Mixed { mta_sts, dane_only, dane };
inline constexpr auto mixed_names = names_for<Mixed>(
    {{Mixed::mta_sts, "mta-sts"}, {Mixed::dane_only, "dane-only"}, {Mixed::dane, "dane"}});
[[nodiscard]] std::string_view to_string(Mixed mixed);

// A policy of mode testing: it is reported on and changes no verdict (RFC 8461 section 5), or it
// counts as one of mode enforce.
enum class Testing { report, enforce };
inline constexpr auto testing_names =
    names_for<Testing>({{Testing::report, "report"}, {Testing::enforce, "enforce"}});
[[nodiscard]] std::string_view to_string(Testing testing);

// A policy may be in force, and nobody knows (Sts::unknown()): mail is deferred where the policy
// would decide, or the verdict is that of a domain without one.
enum class IfUnknown { tempfail, proceed };
inline constexpr auto if_unknown_names =
    names_for<IfUnknown>({{IfUnknown::tempfail, "tempfail"}, {IfUnknown::proceed, "continue"}});
[[nodiscard]] std::string_view to_string(IfUnknown what);

struct Options {
    Mixed mixed = Mixed::mta_sts;
    bool postfix_dnssec = true; // false: Postfix has no validating resolver, dane would be void
    DefaultLevel default_level = DefaultLevel::may;
    Testing testing = Testing::report;
    IfUnknown without_store = IfUnknown::tempfail;  // the database cannot be read
    IfUnknown untried_policy = IfUnknown::tempfail; // the policy host has not been asked
    friend bool operator==(const Options&, const Options&) = default;
};

enum class Class { dane, enforce, may, override_, tempfail };
[[nodiscard]] std::string_view to_string(Class cls);

enum class Level { none_said, dane, dane_only, secure }; // none_said: may, override, tempfail
[[nodiscard]] std::string_view to_string(Level level);

// Why mail is deferred: by it, and not by the words of the reason, the fix is chosen
// (engine/outlook.h).
enum class Cause {
    none,             // it is not deferred
    mx_bogus,         // row 3
    mx_failed,        // row 5
    host_bogus,       // row 8: of a host a needed lookup is bogus
    host_failed,      // row 8: or fails
    too_many_hosts,   // row 8: more than are looked up
    nothing_promised, // override sealed
    policy_unread,    // the database could not be read
    policy_untried,   // the policy host has not been asked yet
    busy,             // limits.lookups
    fits_no_host,     // option match = "mx": the policy matches none of the MX hosts
    no_usable_mx,     // no mx of the policy can be the name of a host
    reply_too_long,   // for the client's protocol
    defect,           // of ours: the reply is not one that Postfix would read
};
[[nodiscard]] std::string_view to_string(Cause cause); // "mx-bogus"

struct Verdict {
    Class cls = Class::tempfail;
    Level level = Level::none_said;
    int row = 0;                      // of the table, 1..13
    std::vector<std::string> reasons; // in order; the first says what decided
    std::string override_text;        // class override
    std::string temp_reason;          // class tempfail: at most 200 printable characters
    Cause cause = Cause::none;        // class tempfail

    friend bool operator==(const Verdict&, const Verdict&) = default;
};

// "dane-only", "dane", "enforce", "may", "tempfail", or "override" and its text: two verdicts with
// the same are the same promise.
[[nodiscard]] std::string brief(const Verdict& verdict);

[[nodiscard]] Verdict decide(const Evidence& evidence, const Options& options, WallTime now);
// The same without its reasons, which are most of the work.
[[nodiscard]] Verdict judge(const Evidence& evidence, const Options& options, WallTime now);

} // namespace postseal::verdict
