// verdict/reply.h: a verdict written for Postfix (postconf(5) smtp_tls_policy_maps)
//
// legacy: Postfix 2.10 to 3.9. tlsrpt: 3.10 and later, with the attributes for TLS reports and MX
// host checks. requiretls: 3.11's smtp_requiretls_policy, whether the TLS policy of the destination
// is enough for a message that demands TLS (RFC 8689). Postfix bounces where it is told to enforce
// and the TLS level does not authenticate, and asks about [host]:587 by the bare name: enforce is
// said only where all that the name can stand for authenticates. What is written is read again by
// the model of Postfix's own parser (postfix_policy.h); a reply that would not parse becomes temp,
// and `defect` says why, to be logged as an error.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/decide.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postseal::verdict {

enum class Form { legacy, tlsrpt, requiretls };
inline constexpr auto form_names = names_for<Form>(
    {{Form::legacy, "legacy"}, {Form::tlsrpt, "tlsrpt"}, {Form::requiretls, "requiretls"}});
[[nodiscard]] std::string_view to_string(Form form);

// match=: the policy's patterns, or the current MX names that match one (Postfix before 3.10.5
// then checks as RFC 8461 section 4.1 says). If none does, the reply is temp; the patterns are
// written only where the MX RRset was not obtained.
enum class Match { patterns, mx };
inline constexpr auto match_words =
    names_for<Match>({{Match::patterns, "patterns"}, {Match::mx, "mx"}});
[[nodiscard]] std::string_view to_string(Match match);

// How the client's protocol counts a reply's octets. percent: as tcp_table(5) codes them, where
// white space, "%" and what is not printable ASCII take three.
enum class Coding { plain, percent };

// The longest text that Postfix takes from socketmap: 100,000 octets, less "OK ".
inline constexpr std::size_t max_reply_text = 99'997;

struct ReplyOptions {
    Form form = Form::legacy;
    Match match = Match::patterns;
    // Empty: not found; or a level to say when there is no promise. Not for requiretls. One that is
    // weaker than main.cf's level is not said: it would take that level's place.
    std::string no_policy;
    DefaultLevel default_level = DefaultLevel::may; // as in the options of the verdict
    // A policy that does not fit is written without policy strings (one stays), then without the
    // patterns that no current MX host matches, then in the legacy form; at last it is temp.
    std::size_t limit = max_reply_text;
    Coding coding = Coding::plain;
    friend bool operator==(const ReplyOptions&, const ReplyOptions&) = default;
};

struct Reply {
    enum class Kind { ok, not_found, temp };
    Kind kind = Kind::temp;
    std::string text;          // ok: the policy; temp: the reason, printable, at most 200 octets
    std::string defect;        // not empty: a bug of ours was caught; log it
    Cause cause = Cause::none; // temp

    friend bool operator==(const Reply&, const Reply&) = default;
};

// The evidence must be the one the verdict was made from. policy_failure is never written: beside
// secure it makes Postfix defer always. A configured override goes out as it is if either form
// reads it.
[[nodiscard]] Reply render(const Verdict& verdict, const Evidence& evidence,
                           const ReplyOptions& options);

// For a key that is not a nexthop: not found, whatever no_policy says, so that main.cf's level
// applies. But to requiretls that would mean enforce, and Postfix would bounce.
[[nodiscard]] Reply no_nexthop(Form form);

} // namespace postseal::verdict
