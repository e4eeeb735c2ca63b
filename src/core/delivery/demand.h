// delivery/demand.h: what smtp(8) asks of one MX host, by the policy that it was told
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/delivery/facts.h"
#include "postseal/delivery/predict.h"

#include <string>
#include <vector>

namespace postseal::delivery {

struct Demand {
    enum class Kind {
        clear_text,    // level none
        opportunistic, // may
        encryption,    // encrypt
        dane,          // a TLSA record matches
        names,         // a chain to the trust store, and a certificate for one of `names`
        impossible,    // the host is passed over: `why`
        unknown,       // `why`
    };
    Kind kind = Kind::opportunistic;
    std::vector<std::string> names; // as names.h takes them
    std::string why;
};

[[nodiscard]] Demand demand_of(const Destination& destination, const verdict::Host& host,
                               const Orders& orders);

// The base domain of the host's TLSA records: their name without "_25._tcp.".
[[nodiscard]] std::string tlsa_base(const verdict::Host& host);

// The names that a certificate under DANE-TA may have (RFC 7672 section 3.2.2): the base domain,
// and if the host was found by an MX record the domain and where its CNAME led.
[[nodiscard]] std::vector<std::string> dane_names(const Destination& destination,
                                                  const verdict::Host& host);

} // namespace postseal::delivery
