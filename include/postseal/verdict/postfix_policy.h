// verdict/postfix_policy.h: a model of how Postfix reads a TLS policy table's value
//
// smtp_tls_policy.c of Postfix 3.7 (legacy) and 3.10 (tlsrpt): level, then attributes separated by
// space, comma, tab, CR or LF; "{ name = value }" from 3.10 on. Attributes that a level does not
// take, unknown or repeated ones, and what makes 3.10 before 3.10.6 crash (policy_type sts without
// policy_string or mx_host_pattern) are errors: Postfix would defer the mail.
// Levels and attribute names are read without regard to case and given in lower case; at level none
// Postfix ignores attributes, so there are none. What the parser lets pass and Postfix then
// stumbles over is an error too: a NUL (cuts the value off), invalid UTF-8, more than 99,997
// octets, a match= that names nothing. Files (tafile=), ciphers and protocols are not looked into.
// Used on every reply before it is first sent, and on overrides when they are loaded.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/reply.h"

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postseal::verdict {

struct PostfixPolicy {
    std::string level;
    std::vector<std::pair<std::string, std::string>> attributes; // in order
    friend bool operator==(const PostfixPolicy&, const PostfixPolicy&) = default;
};

[[nodiscard]] std::expected<PostfixPolicy, std::string> read_postfix_policy(std::string_view text,
                                                                            Form form);

// An override's policy, which either form may read.
[[nodiscard]] std::expected<PostfixPolicy, std::string> read_override(std::string_view text);

// It asks for more than "none" or "may".
[[nodiscard]] bool protects(const PostfixPolicy& policy);

// Whether Postfix then delivers to no host that it has not authenticated.
[[nodiscard]] bool authenticates(const PostfixPolicy& policy);

} // namespace postseal::verdict
