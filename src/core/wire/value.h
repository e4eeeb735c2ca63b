// wire/value.h: what no protocol here may carry as a value
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/text.h"

#include <string_view>

namespace postseal::wire {

// Null: fit. Else why Postfix would refuse the value or misread it: behind a NUL it sees nothing.
inline const char* unfit(std::string_view value) {
    if (value.empty()) return "the policy is empty";
    if (value.find('\0') != std::string_view::npos) return "the policy holds a NUL";
    if (!valid_utf8(value)) return "the policy is not UTF-8";
    return nullptr;
}

} // namespace postseal::wire
