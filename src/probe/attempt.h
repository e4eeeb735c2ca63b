// probe/attempt.h: one connection to one address of an MX host, as far as it goes, and QUIT
//
// Connect, greeting, EHLO (HELO if that is refused), STARTTLS, TLS handshake; no mail. Each step
// has the same time limit. What is found, and how it ended, is written into `attempt` as it becomes
// known, so that whoever cancels the Task keeps it.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "async/uv_loop.h"
#include "postseal/dane/tlsa.h"
#include "postseal/delivery/facts.h"
#include "tls/address.h"
#include "tls/trust.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace postseal::probe {

struct Target {
    tls::Address address;
    std::uint16_t port = 25;
    std::string server_name;         // SNI
    std::vector<dane::Tlsa> records; // to hold against the chain
    std::string helo;                // our own name; empty: the address literal of the connection
    milliseconds step{10'000};
};

[[nodiscard]] async::Task<> try_address(async::UvLoop& loop,
                                        std::shared_ptr<const tls::Trust> trust, Target target,
                                        delivery::Attempt& attempt);

} // namespace postseal::probe
