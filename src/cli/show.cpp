// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/kept_text.h"
#include "cli/keys.h"
#include "cli/setup.h"

#include <fmt/format.h>

#include <memory>

namespace postseal::cli {
namespace {

int show(const Common& common, const std::string& word) {
    const auto named = named_key(word);
    if (!named) return fail(named.error());
    const std::string& key = *named;
    const auto reply = ask(common, {{"command", "show"}, {"key", key}});
    if (!reply) return fail(reply.error());
    const Json& kept = (*reply)["show"];
    if (common.json) fmt::print("{}\n", kept.dump(2));
    if (!kept.is_object()) {
        if (!common.json) fmt::print(stderr, "postseal: nothing is stored about {}\n", key);
        return no_policy;
    }
    if (!common.json) fmt::print("{}", kept_text(kept, wall_now()));
    return ExitStatus::found;
}

} // namespace

Command show_command(Common& common) {
    const auto key = std::make_shared<std::string>();
    return {.name = "show",
            .summary = "show what the daemon has stored about a destination, without a lookup",
            .arguments = one_key(*key),
            .options = daemon_options(common),
            .examples = {"postseal show example.com"},
            .run = [&common, key] { return show(common, *key); }};
}

} // namespace postseal::cli
