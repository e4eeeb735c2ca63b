// SPDX-License-Identifier: BSD-3-Clause
#include "cli/exit_status.h"
#include "cli/explain_text.h"
#include "cli/keys.h"
#include "cli/options.h"
#include "cli/setup.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace postseal::cli {

namespace {

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

} // namespace

void add_explain(CLI::App& app, Common& common, Run& run) {
    CLI::App* command = app.add_subcommand(
        "explain", "look up a destination and show evidence, verdict and replies");
    lookup_options(*command, common);
    command->footer("Example: postseal explain --direct example.com");
    take_keys(*command, run,
              [&common](const std::vector<std::string>& keys) { return explain(common, keys); });
}

} // namespace postseal::cli
