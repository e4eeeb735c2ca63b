// delivery/names.h: whether a certificate is for a name (RFC 6125 section 6.4, as Postfix asks it)
//
// dNSName entries of subjectAltName; the common name only if there are none. "*" counts as a whole
// leftmost label with at least two behind it, and covers one label. A reference that begins with a
// dot is met by any name below it, of any depth, as Postfix's match=.example.com is.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/delivery/facts.h"

#include <string>
#include <string_view>
#include <vector>

namespace postseal::delivery {

[[nodiscard]] bool is_for(const Certificate& certificate, std::string_view reference);

// "mx.example.com, *.example.net and 3 more", or that it names no host.
[[nodiscard]] std::string names_of(const Certificate& certificate);

} // namespace postseal::delivery
