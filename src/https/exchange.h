// https/exchange.h: connect, TLS handshake, GET and the policy's parser, in one time limit
//
// The addresses have been looked up and allowed. Every clause of an error names host and address:
// "mta-sts.example.com [192.0.2.1]: certificate expired on 2026-01-02".
// Thread: the loop's, on which TLS burns its milliseconds.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "async/uv_loop.h"
#include "https/policy_fetch.h"
#include "tls/address.h"
#include "tls/trust.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace postseal::https {

struct ExchangeRequest {
    std::string host;
    std::vector<tls::Address> addresses;
    std::uint16_t port = 443;
    milliseconds left{0};  // of the time limit
    milliseconds limit{0}; // what the clause of a time-out says
};

[[nodiscard]] async::Task<FetchResult>
exchange(async::UvLoop& loop, std::shared_ptr<const tls::Trust> trust, ExchangeRequest request);

} // namespace postseal::https
