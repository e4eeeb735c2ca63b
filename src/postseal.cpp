// postseal: the operator's tool, see postseal(1)
// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"
#include "version.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <exception>

namespace {

using namespace postseal;

constexpr auto exit_statuses =
    "Exit status: 0 found, 1 no policy or (doctor) a problem, 64 usage, 69 daemon not reachable, "
    "70 internal error, 75 temporary failure, 78 configuration error.";

void config_option(CLI::App& command, cli::Common& common) {
    command.add_option("-c,--config", common.config_file,
                       "configuration file (default /etc/postseal/postseal.toml, if it is there)");
}

// They may stand before the command or behind it.
void daemon_options(CLI::App& command, cli::Common& common) {
    config_option(command, common);
    command.add_option("-s,--socket", common.socket,
                       "admin socket of the daemon (default: as configured)");
    command.add_flag("-j,--json", common.json, "write JSON");
}

void common_options(CLI::App& command, cli::Common& common) {
    daemon_options(command, common);
    command.add_flag("-d,--direct", common.direct,
                     "look up in this process, without a daemon and without its memory");
}

int run(int argc, char** argv) {
    cli::Common common;
    std::string key;
    std::string map = "postfix";

    CLI::App app{"Asks and explains what postseald tells Postfix about a destination's TLS.",
                 "postseal"};
    app.set_version_flag("-V,--version", version_text("postseal"));
    app.require_subcommand(1);
    common_options(app, common);
    app.footer(exit_statuses);

    CLI::App* query =
        app.add_subcommand("query", "print a destination's policy as postmap -q would");
    query->add_option("key", key, "as Postfix asks: example.com, [mx.example.com]:587")->required();
    query->add_option("-m,--map", map, "the map to ask")->capture_default_str();
    common_options(*query, common);
    query->footer("Example: postseal query --map tlsrpt example.com");

    CLI::App* explain = app.add_subcommand(
        "explain", "look up a destination and show evidence, verdict and replies");
    // CLI11 takes "[mx.example.com]" for a list where an option has several values.
    explain->add_option("key", key, "a destination; more may follow")->required();
    explain->allow_extras();
    common_options(*explain, common);
    explain->footer("Example: postseal explain --direct example.com");

    CLI::App* reload = app.add_subcommand("reload", "have the daemon read its configuration again");
    daemon_options(*reload, common);
    reload->footer("Example: postseal reload");

    cli::DoctorOptions doctor_options;
    CLI::App* doctor = app.add_subcommand(
        "doctor", "find what is wrong between Postfix and the daemon, and say what mends it");
    daemon_options(*doctor, common);
    doctor->add_option("-p,--postconf", doctor_options.postconf, "the postconf of your Postfix")
        ->capture_default_str();
    doctor->add_option("-f,--postfix-config", doctor_options.postfix_config,
                       "folder of main.cf (default: Postfix's own)");
    doctor->add_option("-r,--resolv-conf", doctor_options.resolv_conf,
                       "names the resolvers of Postfix (default: /etc/resolv.conf, below the queue "
                       "directory if Postfix runs in a chroot)");
    doctor->footer("Example: postseal doctor --postfix-config /etc/postfix-out\n"
                   "Exit status: 0 no problem, 1 a problem, 64 usage, 78 configuration error.");

    CLI::App* check =
        app.add_subcommand("check-config", "read the configuration and say what is wrong");
    config_option(*check, common);
    check->footer("Example: postseal check-config --config /etc/postseal/postseal.toml");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : static_cast<int>(cli::usage);
    }
    if (query->parsed()) return cli::query(common, key, map);
    if (explain->parsed()) {
        std::vector<std::string> keys = explain->remaining();
        keys.insert(keys.begin(), key);
        for (const std::string& word : keys)
            if (word.starts_with('-')) return cli::fail(cli::usage, "unknown option " + word);
        return cli::explain(common, keys);
    }
    if (reload->parsed()) return cli::reload(common);
    if (doctor->parsed()) return cli::doctor(common, doctor_options);
    return cli::check_config(common);
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
