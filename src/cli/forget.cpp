// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/keys.h"
#include "cli/setup.h"

#include <fmt/format.h>

#include <memory>

namespace postseal::cli {
namespace {

int forget(const Common& common, const std::vector<std::string>& words) {
    std::vector<std::string> keys;
    for (const std::string& word : words) {
        auto key = named_key(word);
        if (!key) return fail(key.error()); // and nothing is forgotten
        keys.push_back(*std::move(key));
    }
    int worst = ExitStatus::found;
    for (const std::string& key : keys) {
        const auto reply = ask(common, {{"command", "forget"}, {"key", key}});
        if (!reply) return fail(reply.error());
        const bool forgotten = reply->value("forgotten", false);
        if (common.json)
            fmt::print("{}\n", Json{{"key", key}, {"forgotten", forgotten}}.dump());
        else
            fmt::print("{}: {}\n", key, forgotten ? "forgotten" : "nothing was stored");
        if (!forgotten) worst = no_policy;
    }
    return worst;
}

} // namespace

Command forget_command(Common& common) {
    const auto keys = std::make_shared<std::vector<std::string>>();
    return {.name = "forget",
            .summary = "delete what the daemon has stored about destinations, policies included",
            .arguments = several_keys(*keys),
            .options = daemon_options(common),
            .examples = {"postseal forget example.com"},
            .run = [&common, keys] { return forget(common, *keys); }};
}

} // namespace postseal::cli
