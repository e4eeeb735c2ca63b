// SPDX-License-Identifier: BSD-3-Clause
#include "engine/downgrades.h"

#include <fmt/format.h>

namespace postseal::engine {

void Downgrades::note(std::string_view subject, std::string_view before, std::string_view after) {
    log_.warning("downgrade", {{"domain", std::string(subject)},
                               {"old", std::string(before)},
                               {"new", std::string(after)}});
    last_ = fmt::format("{}: {} -> {}", subject, before, after);
    count_++;
}

} // namespace postseal::engine
