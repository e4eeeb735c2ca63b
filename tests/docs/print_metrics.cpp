// print_metrics: every metric there is, one a line: name, type, and labels joined by commas
// SPDX-License-Identifier: BSD-3-Clause
#include "observe/registry.h"

#include <fmt/format.h>

#include <exception>

int main() {
    try {
        for (const postseal::observe::Description& about : postseal::observe::all_metrics())
            fmt::print("{} {} {}\n", about.name, to_string(about.type), about.labels);
        return 0;
    } catch (const std::exception& bug) {
        fmt::print(stderr, "print_metrics: {}\n", bug.what());
        return 2;
    }
}
