// tls/certificate_fault.h: why a server's certificate is not accepted, in an operator's words
//
// GnuTLS has verified (chain, dates, purpose, name); this names what it found. With several faults
// the gravest decides the kind: untrusted, then expired, then name; the clause has all of them.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "tls/certificate.h"
#include "tls/fault.h"

#include <optional>
#include <vector>

struct gnutls_session_int;

namespace postseal::tls {

// `status`: of gnutls_session_get_verify_cert_status() or its like, not 0. `chain`: as the server
// sent it, its own certificate first.
[[nodiscard]] Error certificate_fault(const std::vector<Certificate>& chain, unsigned status);

// RFC 8461 section 3.3 wants a DNS-ID; GnuTLS also takes the common name of a certificate without
// one (RFC 6125 section 6.4.4).
[[nodiscard]] std::optional<Error> missing_dns_id(gnutls_session_int* session);

} // namespace postseal::tls
