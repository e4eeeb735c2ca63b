// tls/fault.h: why a connection by TCP and TLS was not made, or ended
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace postseal::tls {

enum class Fault {
    connect,        // the network: refused, unreachable, reset
    protocol,       // TLS itself: version, alert, what cannot be parsed
    truncated,      // the peer closed without saying so in TLS
    cert_untrusted, // no chain to the trust store, self-signed, revoked
    cert_expired,   // or not yet valid
    cert_name,      // does not name the host
};

struct Error {
    Fault fault;
    std::string reason; // a clause for an operator
    bool ours = false;  // connect: for want of descriptors, memory or ports of our own
    friend bool operator==(const Error&, const Error&) = default;
};

} // namespace postseal::tls
