// base/text.h: text from the outside made fit for logs, replies and terminals
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postseal {

// Printable ASCII only: control characters, DEL and bytes over 0x7e become '?'; what is longer than
// `limit` octets is cut and ends in "...". Postfix reads a reply's reason as one line, and 200 is
// the length we promise for it (postseald(8)).
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 200);

// The same between quotation marks; of the text `limit` octets at most.
[[nodiscard]] std::string in_quotes(std::string_view text, std::size_t limit = 60);

// What is wrong with somebody else's text: "TEXT": WHY; of the text 80 octets at most.
[[nodiscard]] std::string complaint(std::string_view text, std::string_view why);

// "; " between it and what is there already.
void append_clause(std::string& text, std::string_view clause);

// ASCII only, locale-free.
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alphanumeric(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] std::string lower_ascii(std::string_view text);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
// Spaces and tabs at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);
// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing over U+10FFFF.
[[nodiscard]] bool valid_utf8(std::string_view text);

} // namespace postseal
