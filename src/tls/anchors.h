// tls/anchors.h: the verification that DANE-TA asks for (RFC 7671 section 5.2)
//
// The chain from the server's certificate to the trust anchor that a TLSA record names: signatures,
// certificate authorities, purpose and dates, the anchor's own too. Names are for the caller. The
// anchor is one of the certificates sent, or it is in the record itself: a whole certificate (2 0
// 0) or a bare public key (2 1 0), which the server need not send.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/delivery/facts.h"
#include "tls/certificate.h"

#include <string_view>
#include <vector>

namespace postseal::tls {

// As sent, all readable, the server's own first; both views of it have the same length.
struct Chain {
    std::vector<Certificate> certificates;
    std::vector<std::string_view> der;
};

// Completes a check of usage 2 whose result is `matched` or `not_in_chain`: afterwards `matched`,
// with a fault or without, or `no_match`. The anchor of a record itself counts as the certificate
// behind the last one.
void verify_anchor(delivery::TlsaCheck& check, const Chain& chain);

} // namespace postseal::tls
