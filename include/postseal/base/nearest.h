// base/nearest.h: what a mistyped word was meant to be
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postseal {

// The member of `known` with the least edit distance from `word`, if it is near enough to be meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& known);

} // namespace postseal
