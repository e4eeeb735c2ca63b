// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/explain_text.h"
#include "cli/setup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

namespace postseal::cli {

namespace {

int explain(const Common& common, const std::vector<std::string>& keys) {
    const Colour colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
    for (const std::string& key : keys) {
        const auto found = explanation(common, key);
        if (!found) return fail(found.error());
        if (common.json)
            fmt::print("{}\n", found->dump(2));
        else
            fmt::print("{}", explain_text(*found, colour));
        std::fflush(stdout);
    }
    return ExitStatus::found;
}

} // namespace

Command explain_command(Common& common) {
    const auto keys = std::make_shared<std::vector<std::string>>();
    return {.name = "explain",
            .summary = "look up a destination and show evidence, verdict and replies",
            .arguments = several_keys(*keys),
            .options = lookup_options(common),
            .examples = {"postseal explain example.com",
                         "postseal explain --direct example.com example.net"},
            .run = [&common, keys] { return explain(common, *keys); }};
}

} // namespace postseal::cli
