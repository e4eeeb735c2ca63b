// support/rdata.h: RDATA and names in wire form, made from the text of tests
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace postseal::test {

// "mx.example.com" or "." uncompressed.
[[nodiscard]] std::string wire_name(std::string_view text);
// The inverse, of a name at the front of `wire`.
[[nodiscard]] std::string text_of_name(std::string_view wire);
// "0aff", or "ab*32" for the octet ab 32 times.
[[nodiscard]] std::string octets_of_hex(std::string_view text);
// RDATA of type A, AAAA, MX, TXT, TLSA or CNAME as support/fake_resolver.h writes it. Throws
// std::runtime_error for what it cannot read.
[[nodiscard]] std::string rdata_of(std::string_view type, std::string_view text);

} // namespace postseal::test
