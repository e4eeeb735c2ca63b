// dns/negative_ttl.h: how long a negative answer may be kept (RFC 2308 section 5)
//
// libunbound's own ttl is not a guide here: it takes the answer's OPT record, whose TTL field holds
// flags, for one more RRset, so that an answer without a SOA record seems good for nine hours.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <string_view>

namespace postseal::dns {

// The least TTL in the answer (the CNAMEs on the way) and authority sections of a whole DNS
// message, the SOA record's bounded by its minimum field; 0 if there is no SOA record, or if the
// message cannot be read.
[[nodiscard]] seconds negative_ttl(std::string_view message);

} // namespace postseal::dns
