// SPDX-License-Identifier: BSD-3-Clause
#include "der.h"

namespace postseal::dane::der {
namespace {

// What a TLS certificate can be long (RFC 8446 section 4.4.2); RDATA needs two.
constexpr std::size_t max_length_octets = 3;

std::uint8_t octet(std::string_view text, std::size_t i) {
    return static_cast<std::uint8_t>(text[i]);
}

std::optional<std::size_t> take_length(std::string_view& der) {
    if (der.empty()) return {};
    const auto first = octet(der, 0);
    der.remove_prefix(1);
    if (first < 0x80) return first;
    const std::size_t count = first & 0x7fU;
    // None is the indefinite form.
    if (count == 0 || count > max_length_octets || count > der.size()) return {};
    const bool padded = octet(der, 0) == 0;
    std::size_t length = 0;
    for (std::size_t i = 0; i < count; i++)
        length = (length << 8U) | octet(der, i);
    der.remove_prefix(count);
    if (padded || length < 0x80) return {};
    return length;
}

} // namespace

std::optional<Element> take_element(std::string_view& der, Tag tag) {
    std::string_view rest = der;
    if (rest.empty() || octet(rest, 0) != static_cast<std::uint8_t>(tag)) return {};
    rest.remove_prefix(1);
    const auto length = take_length(rest);
    if (!length || *length > rest.size()) return {};
    const Element element{.whole = der.substr(0, der.size() - rest.size() + *length),
                          .contents = rest.substr(0, *length)};
    der.remove_prefix(element.whole.size());
    return element;
}

std::optional<std::string_view> take(std::string_view& der, Tag tag) {
    const auto element = take_element(der, tag);
    if (!element) return {};
    return element->contents;
}

} // namespace postseal::dane::der
