// mtasts/policy.h: the policy file of MTA-STS (RFC 8461 section 3.2, errata 6253, 6285, 7282)
//
// max_age: seconds, 0..31557600 (1 to 10 digits in the text, clamped). LF or CRLF; the first value
// of a repeated key counts, except mx; unknown keys are ignored, but must fit the grammar. Fields
// in any order; keys and values are case-sensitive, the names in mx are not. White space may follow
// the ":" and end a line, not begin one. Blank lines only at the end, where the grammar has none
// and many files have one. enforce and testing need at least one mx, none needs none. At most 64
// KiB. An mx in U-labels, which the grammar does not have, counts as its A-labels.
// Errors: why the text is not a policy; a cached, unexpired policy stays in force.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"
#include "postseal/mtasts/mx_match.h"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace postseal::mtasts {

inline constexpr std::size_t max_policy_size = 65'536;
inline constexpr seconds max_max_age{31'557'600};

enum class Mode { none, testing, enforce };
[[nodiscard]] std::string_view to_string(Mode mode);

enum class PolicyFault {
    too_large,
    bad_text,
    blank_line,
    bad_field,
    no_version,
    bad_version,
    no_mode,
    bad_mode,
    no_max_age,
    bad_max_age,
    no_mx,
    bad_mx,
};

struct PolicyError {
    PolicyFault fault;
    std::size_t line = 0;   // from 1; 0: the file as a whole
    std::size_t column = 0; // octet, from 1; 0: the line as a whole
    std::string text;       // one clause for an operator, printable

    friend bool operator==(const PolicyError&, const PolicyError&) = default;
};

struct Policy {
    Mode mode = Mode::none;
    seconds max_age{0};
    std::vector<MxPattern> mx; // in the policy's order
    // mx values that the grammar allows and no host can have: an address, a name whose last label
    // is a number, a label over 63 octets. They fit no host and spoil no other line.
    std::vector<std::string> mx_without_host;
    // mx values written in U-labels, against the grammar; in `mx` they are A-labels.
    std::vector<std::string> mx_converted;
    // The file's lines as written, line ends and trailing white space removed: what TLS reports and
    // Postfix's policy_string quote (RFC 8460 section 4.4).
    std::vector<std::string> lines;

    friend bool operator==(const Policy&, const Policy&) = default;
};

[[nodiscard]] std::expected<Policy, PolicyError> parse_policy(std::string_view text);

[[nodiscard]] bool matches(const Policy& policy, const Domain& host);

} // namespace postseal::mtasts
