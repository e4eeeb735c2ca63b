// probe/probe.h: all MX hosts of a destination, tried at the same time
//
// The addresses come from our own resolver, both families; each gets one connection (attempt.h), a
// few at a time. Hosts or addresses that the time in all does not reach say so in their reasons.
// The destination's hosts must be filled in from the evidence; only their attempts are written.
// Thread: the loop's.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "async/task.h"
#include "async/uv_loop.h"
#include "dns/resolver.h"
#include "postseal/delivery/facts.h"
#include "postseal/delivery/predict.h"
#include "tls/address.h"
#include "tls/trust.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace postseal::probe {

inline constexpr std::size_t connections_at_once = 8;
inline constexpr std::size_t addresses_of_a_host = 16;
inline constexpr int steps_in_all = 12; // the time in all, in step limits

struct Options {
    std::optional<tls::Address::Family> family; // nothing: both
    std::string helo;                           // attempt.h
    milliseconds step{10'000};
    // Told of each address that is done with: how many are, and how many there are so far.
    std::function<void(std::size_t done, std::size_t all)> progress;
};

[[nodiscard]] async::Task<> probe(async::UvLoop& loop, dns::Resolver& resolver,
                                  std::shared_ptr<const tls::Trust> trust,
                                  delivery::Destination& destination,
                                  const delivery::Orders& orders, const Options& options);

} // namespace postseal::probe
