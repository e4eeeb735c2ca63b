// engine/override_notes.h: overrides that count, but maybe otherwise than was meant
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/config.h"
#include "engine/overrides.h"

#include <vector>

namespace postseal::engine {

// Of each entry without an end whose comment names a day that was perhaps meant as one:
// "until 2027-01-31". The text begins with the entry's key, in quotes.
[[nodiscard]] std::vector<config::Error> override_notes(const Overrides& overrides);

} // namespace postseal::engine
