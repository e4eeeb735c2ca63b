// dane/tlsa.h: TLSA RDATA (RFC 6698 section 2.1)
//
// Two or fewer octets of header, or no data at all, is malformed; the caller counts such a record
// as unusable (RFC 7672 section 3.1).
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace postseal::dane {

struct Tlsa {
    std::uint8_t usage = 0;         // 2 DANE-TA, 3 DANE-EE; 0 and 1 are not for SMTP
    std::uint8_t selector = 0;      // 0 certificate, 1 SubjectPublicKeyInfo
    std::uint8_t matching_type = 0; // 0 whole, 1 SHA-256, 2 SHA-512
    std::string data;               // octets

    friend bool operator==(const Tlsa&, const Tlsa&) = default;
};

[[nodiscard]] std::expected<Tlsa, std::string> parse_tlsa(std::string_view rdata);

// "3 1 1 8d02...": presentation form (RFC 6698 section 2.2), hexadecimal digits in lower case,
// data longer than 40 octets cut with "...".
[[nodiscard]] std::string to_string(const Tlsa& tlsa);

} // namespace postseal::dane
