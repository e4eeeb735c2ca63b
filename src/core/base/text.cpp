// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace postseal {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// What may follow a lead octet (RFC 3629 section 4): how many continuation octets, and the range of
// the first of them; the others are always 80..BF.
struct Utf8Form {
    std::size_t tail = 0; // 0: no lead octet
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xbf;
};

constexpr Utf8Form utf8_form(std::uint8_t lead) {
    if (lead >= 0xc2 && lead <= 0xdf) return {.tail = 1};
    if (lead == 0xe0) return {.tail = 2, .low = 0xa0};
    if (lead == 0xed) return {.tail = 2, .high = 0x9f};
    if (lead >= 0xe1 && lead <= 0xef) return {.tail = 2};
    if (lead == 0xf0) return {.tail = 3, .low = 0x90};
    if (lead >= 0xf1 && lead <= 0xf3) return {.tail = 3};
    if (lead == 0xf4) return {.tail = 3, .high = 0x8f};
    return {};
}

} // namespace

std::string printable(std::string_view text, std::size_t limit) {
    constexpr std::string_view ellipsis = "...";
    const bool cut = text.size() > limit;
    const std::size_t dots = cut ? std::min(limit, ellipsis.size()) : 0;
    std::string out(text.substr(0, cut ? limit - dots : text.size()));
    for (char& c : out)
        if (c < 0x20 || c > 0x7e) c = '?';
    return out.append(ellipsis.substr(0, dots));
}

std::string in_quotes(std::string_view text, std::size_t limit) {
    return fmt::format("\"{}\"", printable(text, limit));
}

std::string complaint(std::string_view text, std::string_view why) {
    return fmt::format("{}: {}", in_quotes(text, 80), why);
}

void append_clause(std::string& text, std::string_view clause) {
    if (!text.empty()) text += "; ";
    text += clause;
}

std::string lower_ascii(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && (a == b || std::ranges::equal(a, b, {}, lower, lower));
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool valid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<std::uint8_t>(text[i++]);
        if (lead < 0x80) continue;
        const Utf8Form form = utf8_form(lead);
        if (form.tail == 0 || text.size() - i < form.tail) return false;
        const auto second = static_cast<std::uint8_t>(text[i]);
        if (second < form.low || second > form.high) return false;
        for (std::size_t k = 1; k < form.tail; k++)
            if ((static_cast<std::uint8_t>(text[i + k]) & 0xc0) != 0x80) return false;
        i += form.tail;
    }
    return true;
}

} // namespace postseal
