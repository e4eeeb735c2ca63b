// postseal: the operator's tool, see postseal(1)
// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "version.h"

#include <fmt/format.h>

#include <exception>

namespace {

using namespace postseal;

int run(std::span<char* const> words) {
    cli::Common common;
    const cli::Command tool = cli::tool(common);
    const auto parsed = cli::parse(tool, words);
    if (common.version) {
        fmt::print("{}\n", version_text("postseal"));
        return cli::found;
    }
    if (!parsed) {
        const cli::ParseFault& fault = parsed.error();
        fmt::print(stderr, "{}: {}\nsee: {} --help\n", fault.path, fault.text, fault.path);
        return cli::usage;
    }
    if (parsed->help) {
        fmt::print("{}", cli::help_text(*parsed->command, parsed->path));
        return cli::found;
    }
    return parsed->command->run();
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run({argv, static_cast<std::size_t>(argc)});
    } catch (const std::exception& bug) {
        fmt::print(stderr, "postseal: {}\n", bug.what());
        return 70;
    }
}
