// dns/unbound_answer.h: libunbound's result as an Answer
//
// ttl: of records found libunbound's own, the least of the answer's RRsets with the CNAMEs on the
// way; of negative answers as negative_ttl.h says.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "dns/resolver.h"

#include <unbound.h>

#include <string>
#include <string_view>

namespace postseal::dns {

[[nodiscard]] Answer to_answer(const ub_result& result);

// "no signatures from 192.0.2.1": libunbound's why_bogus without the question before it, which the
// reader knows, as one printable line.
[[nodiscard]] std::string why_bogus_clause(std::string_view why);

} // namespace postseal::dns
