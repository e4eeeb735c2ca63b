// survey/dns_query.h: one question to one name server, as libresolv asks it
//
// By UDP, twice if need be, and by TCP where the answer is cut short (RFC 7766 section 5); blocks.
// `address`: in numbers, as in resolv.conf(5), or "ADDRESS@PORT".
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace postseal::survey {

enum class Checking { enabled, disabled }; // disabled: CD (RFC 4035 section 3.2.2)
enum class Recursion { wanted, unwanted }; // unwanted: for what the server itself has

// The reply's bytes, whose ID and QR bit are right. With the DO bit (RFC 4035 section 3.2.1).
// Errors: no answer, or no way to the server, in a clause.
[[nodiscard]] std::expected<std::string, std::string>
dns_query(const std::string& address, std::string_view name, std::uint16_t type, Checking checking,
          Recursion recursion = Recursion::wanted);

[[nodiscard]] std::string rcode_text(int rcode);

} // namespace postseal::survey
