// https/date.h: the Date field of an answer (RFC 9110 section 5.6.7)
//
// Only IMF-fixdate, which all senders must use: "Sun, 06 Nov 1994 08:49:37 GMT". The day of the
// week is not looked at. Nothing: it is not such a date.
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "postseal/base/time.h"

#include <optional>
#include <string_view>

namespace postseal::https {

[[nodiscard]] std::optional<WallTime> parse_date(std::string_view text);

} // namespace postseal::https
