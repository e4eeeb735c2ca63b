// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/explain_text.h"
#include "cli/setup.h"

#include <fmt/format.h>
#include <unistd.h>

namespace postseal::cli {

int explain(const Common& common, const std::vector<std::string>& keys) {
    const Colour colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
    for (const std::string& key : keys) {
        const auto found = explanation(common, key);
        if (!found) return fail(found.error().status, found.error().text);
        if (common.json)
            fmt::print("{}\n", found->dump(2));
        else
            fmt::print("{}", explain_text(*found, colour));
        std::fflush(stdout);
    }
    return ExitStatus::found;
}

} // namespace postseal::cli
