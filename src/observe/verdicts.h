// observe/verdicts.h: the store's nexthops by class of verdict
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "store/queries.h"

#include <cstdint>
#include <map>
#include <string_view>

namespace postseal::observe {

// Each class is there, at 0 if there is none; "none": without a verdict yet.
[[nodiscard]] std::map<std::string_view, std::uint64_t> by_class(const store::Census& census);

} // namespace postseal::observe
