// mtasts/field_name.h: the key of a field, alike in record and policy (RFC 8461 sections 3.1
// and 3.2)
//
// sts-ext-name and sts-policy-ext-name are one production: a letter or digit, then up to 31
// letters, digits, "_", "-" or ".". The names the RFC defines fit it too.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/text.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace postseal::mtasts {

inline constexpr std::size_t max_field_name = 32;

[[nodiscard]] constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }

[[nodiscard]] constexpr bool is_field_name(std::string_view name) {
    return !name.empty() && name.size() <= max_field_name && is_alphanumeric(name.front()) &&
           std::ranges::all_of(
               name, [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; });
}

} // namespace postseal::mtasts
