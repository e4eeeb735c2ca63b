// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace postseal {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 1; i <= a.size(); i++) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); j++) {
            const std::size_t above = row[j];
            row[j] =
                std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row.back();
}

} // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
    const auto distance = [&](const std::string& k) { return edit_distance(word, k); };
    const auto best = std::ranges::min_element(known, {}, distance);
    if (best == known.end() || distance(*best) > std::max<std::size_t>(2, word.size() / 3))
        return std::nullopt;
    return *best;
}

} // namespace postseal
