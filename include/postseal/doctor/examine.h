// doctor/examine.h: what is wrong between Postfix and postseald
//
// Pure. A check that finds nothing wrong says so, in one finding of severity ok.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/doctor/facts.h"
#include "postseal/doctor/finding.h"

#include <vector>

namespace postseal::doctor {

[[nodiscard]] std::vector<Finding> examine(const Facts& facts);

} // namespace postseal::doctor
