// postseal: the operator's tool, see postseal(1)
// SPDX-License-Identifier: BSD-3-Clause
#include "cli/exit_status.h"
#include "cli/options.h"
#include "version.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <exception>

namespace {

using namespace postseal;

constexpr auto exit_statuses =
    "Exit status: 0 found, 1 no policy or (doctor) a problem, 64 usage, 69 daemon not reachable, "
    "70 internal error, 75 temporary failure, 78 configuration error.";

int run(int argc, char** argv) {
    cli::Common common;
    cli::Run does;
    CLI::App app{"Asks and explains what postseald tells Postfix about a destination's TLS.",
                 "postseal"};
    app.set_version_flag("-V,--version", version_text("postseal"));
    app.require_subcommand(1);
    cli::lookup_options(app, common);
    app.footer(exit_statuses);

    for (const auto& add : {cli::add_query, cli::add_explain, cli::add_show, cli::add_list,
                            cli::add_history, cli::add_refresh, cli::add_forget, cli::add_overrides,
                            cli::add_reload, cli::add_doctor, cli::add_check_config})
        add(app, common, does);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : static_cast<int>(cli::usage);
    }
    return does();
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& bug) {
        fmt::print(stderr, "postseal: {}\n", bug.what());
        return 70;
    }
}
