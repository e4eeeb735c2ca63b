// dane/usability.h: whether SMTP may authenticate by a TLSA record (RFC 7672 section 3.1)
//
// Usable: usage 2 or 3, selector 0 or 1, matching type 0, 1 or 2, and well-formed data: a digest of
// its exact length (32, 64), or for type 0 DER that is a certificate (selector 0) or a
// SubjectPublicKeyInfo (selector 1) as far as its outer structure shows.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/dane/tlsa.h"

#include <expected>
#include <span>
#include <string>

namespace postseal::dane {

// Nothing, or why the record is not usable, in a clause for an operator.
[[nodiscard]] std::expected<void, std::string> usable(const Tlsa& tlsa);

[[nodiscard]] bool any_usable(std::span<const Tlsa> set);

} // namespace postseal::dane
