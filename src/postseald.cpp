// postseald: gives Postfix its per-destination TLS policy, see postseald(8)
// SPDX-License-Identifier: BSD-3-Clause
#include "config/config.h"
#include "engine/overrides.h"
#include "service/daemon.h"
#include "service/exit_status.h"
#include "service/file_check.h"
#include "service/platform.h"
#include "version.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>
#include <exception>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace postseal;

std::unexpected<service::Refusal> refuse(std::string reason) {
    return std::unexpected(
        service::Refusal{.status = service::bad_config, .reason = std::move(reason)});
}

// A line each; empty: there is none.
std::string in_lines(const std::vector<config::Error>& errors) {
    return fmt::format(
        "{}", fmt::join(errors | std::views::transform(&config::Error::message), "\npostseald: "));
}

std::expected<int, service::Refusal> check_configuration(const std::string& file) {
    const service::FileCheck found = service::check_all(file);
    if (!found.errors.empty()) return refuse(in_lines(found.errors));
    for (const config::Error& note : found.notes)
        fmt::print(stderr, "postseald: note: {}\n", note.message());
    fmt::print("the configuration is good\n");
    return 0;
}

std::expected<int, service::Refusal> run(int argc, char** argv) {
    service::StartOptions options;
    bool check = false;
    CLI::App app{
        "Gives Postfix its per-destination TLS policy (DANE and MTA-STS); runs in the foreground.",
        "postseald"};
    app.set_version_flag("-V,--version", version_text("postseald"));
    app.add_option("-c,--config", options.config_file,
                   "configuration file (default /etc/postseal/postseal.toml, if it is there)");
    app.add_flag("--check", check, "check the configuration and exit");
    app.add_flag("--take-over", options.take_over,
                 "take over from the running daemon, with its listening sockets");
    app.footer("Exit status: 0 ended by SIGTERM, SIGINT or a successor, 64 usage, 69 cannot listen "
               "on an address, or cannot take over from the running daemon, 70 internal error, 78 "
               "configuration error.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : service::usage;
    }

    options.config_file = config::configured_file(options.config_file);
    if (check) return check_configuration(options.config_file);
    const auto config = config::load(options.config_file);
    if (!config) return refuse(config.error().message());
    const auto overrides = engine::Overrides::load(config->overrides);
    if (!overrides) return refuse(overrides.error());
    std::signal(SIGPIPE, SIG_IGN);
    const auto platform = service::Platform::open(options, *config);
    if (!platform) {
        auto errors = platform.error().status == service::bad_config
                          ? in_lines(service::check_all(options.config_file).errors)
                          : std::string();
        return errors.empty() ? std::unexpected(platform.error()) : refuse(std::move(errors));
    }
    service::Daemon(**platform, options.config_file, *config, *overrides).run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const auto fail = [](int status, const std::string& reason) {
        fmt::print(stderr, "postseald: {}\n", reason);
        return status;
    };
    try {
        const auto ended = run(argc, argv);
        return ended ? *ended : fail(ended.error().status, ended.error().reason);
    } catch (const std::exception& bug) {
        return fail(service::defect, bug.what());
    }
}
