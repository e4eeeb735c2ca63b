// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/explain_text.h"
#include "cli/keys.h"
#include "cli/setup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace postseal::cli {

namespace {

int explain_one(const Common& common, const std::string& word, Colour colour) {
    const auto key = key_of(word);
    if (!key) return fail(key.error());
    if (!key->note.empty()) fmt::print(stderr, "postseal: {}\n", key->note);
    const auto found = explanation(common, key->key);
    if (!found) return fail(found.error());
    if (common.json)
        fmt::print("{}\n", found->dump(2));
    else
        fmt::print("{}", explain_text(*found, colour));
    std::fflush(stdout);
    return ExitStatus::found;
}

int explain(const Common& common, const std::vector<std::string>& named) {
    const Colour colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
    const auto words = words_of(named);
    if (!words) return fail(words.error());
    int worst = ExitStatus::found;
    for (const std::string& word : *words) {
        const int status = explain_one(common, word, colour);
        if (status == unreachable || status == bad_config) return status;
        worst = std::max(worst, status);
    }
    return worst;
}

} // namespace

Command explain_command(Common& common) {
    const auto keys = std::make_shared<std::vector<std::string>>();
    return {.name = "explain",
            .summary = "look up a destination and show evidence, verdict and replies",
            .arguments = several_keys(*keys),
            .options = lookup_options(common),
            .examples = {"postseal explain example.com", "postseal explain user@example.com",
                         "postseal explain --direct example.com example.net"},
            .run = [&common, keys] { return explain(common, *keys); }};
}

} // namespace postseal::cli
