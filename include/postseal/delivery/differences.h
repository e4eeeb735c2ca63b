// delivery/differences.h: where Postfix's resolver and ours do not see the same
//
// What our own validating resolver found decides the verdict; what Postfix's finds decides the
// delivery. Clauses for an operator; empty: both say the same. What ours calls bogus is a failure
// to a client of a validating resolver, and so no difference.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/verdict/evidence.h"

#include <string>
#include <vector>

namespace postseal::delivery {

[[nodiscard]] std::vector<std::string> differences(const Domain& domain, const verdict::Mx& ours,
                                                   const verdict::Mx& postfix);

} // namespace postseal::delivery
