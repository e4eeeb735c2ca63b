// tls/inspect.h: what a TLS handshake has shown, as facts to judge
//
// Version, cipher, each certificate, the chain against the trust store and the dates, the TLSA
// records against the chain. Nothing is refused here. A certificate that cannot be read ends the
// chain.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/dane/tlsa.h"
#include "postseal/delivery/facts.h"
#include "tls/stream.h"

#include <string>
#include <vector>

namespace postseal::tls {

// After a handshake. Error: the server showed no certificate that can be read.
[[nodiscard]] std::expected<delivery::Tls, std::string>
inspect(const Stream& stream, std::string server_name, const std::vector<dane::Tlsa>& records);

} // namespace postseal::tls
