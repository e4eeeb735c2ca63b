// dane/certificate_der.h: the two parts of a certificate's DER that DANE compares and verifies
//
// Octets as they were sent, never encoded again: a digest is of these (RFC 6698 section 2.1.2).
// Nothing: no certificate (RFC 5280 section 4.1). The views point into `certificate`.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string_view>

namespace postseal::dane {

// SubjectPublicKeyInfo: selector 1.
[[nodiscard]] std::optional<std::string_view> public_key_of(std::string_view certificate);

// tbsCertificate: what the issuer has signed.
[[nodiscard]] std::optional<std::string_view> signed_part_of(std::string_view certificate);

} // namespace postseal::dane
