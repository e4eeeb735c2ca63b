// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/histogram.h"

#include <cmath>

namespace postseal {

milliseconds Histogram::quantile(double q) const {
    const auto all = static_cast<double>(count());
    double below = 0;
    for (std::size_t i = 0; i < bounds.size(); i++) {
        const auto here = static_cast<double>(counts_.at(i));
        if (here > 0 && below + here >= q * all) {
            const auto from = static_cast<double>(i == 0 ? 0 : bounds.at(i - 1).count());
            const auto to = static_cast<double>(bounds.at(i).count());
            return milliseconds(std::llround(from + (to - from) * (q * all - below) / here));
        }
        below += here;
    }
    return all > 0 ? bounds.back() : milliseconds(0);
}

} // namespace postseal
