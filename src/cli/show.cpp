// SPDX-License-Identifier: BSD-3-Clause
#include "cli/exit_status.h"
#include "cli/kept_text.h"
#include "cli/options.h"
#include "cli/setup.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace postseal::cli {
namespace {

int show(const Common& common, const std::string& key) {
    const auto reply = ask(common, {{"command", "show"}, {"key", key}});
    if (!reply) return fail(reply.error().status, reply.error().text);
    const Json& kept = (*reply)["show"];
    if (common.json) fmt::print("{}\n", kept.dump(2));
    if (!kept.is_object()) {
        if (!common.json) fmt::print(stderr, "postseal: nothing is kept of {}\n", key);
        return no_policy;
    }
    if (!common.json) fmt::print("{}", kept_text(kept, wall_now()));
    return ExitStatus::found;
}

} // namespace

void add_show(CLI::App& app, Common& common, Run& run) {
    auto key = std::make_shared<std::string>();
    CLI::App* command =
        app.add_subcommand("show", "show what the daemon keeps of a destination, without a lookup");
    command->add_option("key", *key, "a destination")->required();
    daemon_options(*command, common);
    command->footer("Example: postseal show example.com");
    command->callback(
        [&common, key, &run] { run = [&common, key] { return show(common, *key); }; });
}

} // namespace postseal::cli
