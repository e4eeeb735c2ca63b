// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/explain_text.h"
#include "cli/keys.h"
#include "cli/prober.h"
#include "cli/setup.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace postseal::cli {

namespace {

struct ExplainCommand {
    std::vector<std::string> keys;
    bool probe = false;
    ProbeOptions probing;
};

// The lines "mail" and "next" then speak from what was seen.
std::expected<Probed, ClientError> probe_too(Prober& prober, const std::string& key,
                                             Json& explained) {
    auto probed = prober.probe(key, &explained);
    if (!probed) return probed;
    const engine::Outlook seen = probe_outlook(
        *probed, {.mail = text_of(explained, "mail"), .next = text_of(explained, "next")});
    explained["mail"] = seen.mail;
    explained["next"] = seen.next;
    explained["probe"] = probe_json(*probed);
    return probed;
}

int explain_one(const Common& common, const std::string& word, Prober* prober) {
    const Colour colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
    const auto key = named_key(word);
    if (!key) return fail(key.error());
    auto found = explanation(common, *key);
    if (!found) return fail(found.error());
    std::string probe;
    // An address has no MX hosts to look at.
    if (prober != nullptr && Nexthop::parse(*key)) {
        const auto probed = probe_too(*prober, *key, *found);
        if (!probed) return fail(probed.error());
        probe = probe_text(*probed, colour);
    }
    if (common.json)
        fmt::print("{}\n", dumped(*found, 2));
    else
        fmt::print("{}{}", explain_text(*found, colour), probe);
    std::fflush(stdout);
    return ExitStatus::found;
}

int explain(const Common& common, const ExplainCommand& command) {
    const auto words = words_of(command.keys);
    if (!words) return fail(words.error());
    std::optional<Prober> prober;
    if (command.probe) {
        auto opened = Prober::open(common, command.probing);
        if (!opened) return fail(opened.error());
        prober.emplace(*std::move(opened));
    }
    int worst = ExitStatus::found;
    for (const std::string& word : *words) {
        const int status = explain_one(common, word, prober ? &*prober : nullptr);
        if (status == unreachable || status == bad_config) return status;
        worst = std::max(worst, status);
    }
    return worst;
}

} // namespace

Command explain_command(Common& common) {
    const auto command = std::make_shared<ExplainCommand>();
    return {.name = "explain",
            .summary = "look up a destination and show evidence, verdict and replies",
            .arguments = several_keys(command->keys),
            .options = joined(joined({{.name = "probe",
                                       .help = "connect to its mail hosts, too, as probe does",
                                       .target = &command->probe}},
                                     postfix_options(command->probing.postfix)),
                              lookup_options(common)),
            .examples = {"postseal explain example.com", "postseal explain user@example.com",
                         "postseal explain --probe example.com",
                         "postseal explain --direct example.com example.net"},
            .run = [&common, command] { return explain(common, *command); }};
}

} // namespace postseal::cli
