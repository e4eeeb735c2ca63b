// SPDX-License-Identifier: BSD-3-Clause
#include "engine/downgrades.h"

#include <fmt/format.h>

namespace postseal::engine {

void Downgrades::note(std::string_view subject, std::string_view before, std::string_view after) {
    dependencies_.log.warning("downgrade", {{"domain", std::string(subject)},
                                            {"old", std::string(before)},
                                            {"new", std::string(after)}});
    last_ = fmt::format("{}: {} -> {}", subject, before, after);
    count_++;
    dependencies_.store.save(store::HistoryRow{.nexthop = std::string(subject),
                                               .at = dependencies_.clock.now(),
                                               .kind = store::HistoryRow::Kind::downgrade,
                                               .before = std::string(before),
                                               .after = std::string(after),
                                               .reasons = {}});
}

} // namespace postseal::engine
