// SPDX-License-Identifier: BSD-3-Clause
#include "observe/verdicts.h"

#include "serve/query_counts.h"

namespace postseal::observe {

std::map<std::string_view, std::uint64_t> by_class(const store::Census& census) {
    std::map<std::string_view, std::uint64_t> sums;
    for (const serve::CountedClass cls : serve::counted_classes)
        sums[serve::to_string(cls)] = 0;
    for (const auto& [verdict, count] : census.verdicts) {
        const auto sum = sums.find(verdict == "dane-only" ? "dane" : std::string_view(verdict));
        (sum == sums.end() ? sums["none"] : sum->second) += count;
    }
    return sums;
}

} // namespace postseal::observe
