// dane/der.h: DER, taken apart from the front (X.690 sections 8.1 and 10.1)
//
// Only what TLSA data and certificates need: tags of one octet and definite lengths in as few
// octets as they need. Nothing: it is not there, or not whole.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postseal::dane::der {

enum class Tag : std::uint8_t {
    integer = 0x02,
    bit_string = 0x03,
    object_identifier = 0x06,
    sequence = 0x30,
    context_0 = 0xa0,
};

// One element with this tag, off the front.
struct Element {
    std::string_view whole;    // with tag and length
    std::string_view contents; // without
};
[[nodiscard]] std::optional<Element> take_element(std::string_view& der, Tag tag);

// Its contents.
[[nodiscard]] std::optional<std::string_view> take(std::string_view& der, Tag tag);

} // namespace postseal::dane::der
