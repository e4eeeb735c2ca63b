// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/explain_text.h"
#include "cli/keys.h"
#include "cli/prober.h"
#include "cli/setup.h"
#include "cli/unasked_zones.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

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

bool says_servfail(const Json& part, const char* reason) {
    return text_of(part, reason).contains("SERVFAIL");
}

// libunbound says no more than SERVFAIL of a name server that it is not to ask.
void find_why_servfail(const Common& common, const std::string& key, Json& explained) {
    const auto mx = explained.find("mx");
    const auto nexthop = Nexthop::parse(key);
    if (mx == explained.end() || !nexthop) return;
    if (!says_servfail(*mx, "reason") && std::ranges::none_of((*mx)["hosts"], [](const Json& host) {
            return says_servfail(host, "reason");
        }))
        return;
    const auto config = load_config(common);
    if (!config) return;
    const std::string file = config::configured_file(common.config_file);
    for (const doctor::UnaskedZone& zone : find_unasked_zones(config->dns, std::span(&*nexthop, 1)))
        explained["findings"].push_back(
            {{"code", "name-servers-not-asked"},
             {"text", zone.text()},
             {"fix",
              fmt::format("if they are yours, write {} below [dns] in {}, or a stub for the zone; "
                          "then postseal reload",
                          doctor::private_name_servers({zone}, config->dns.private_name_servers),
                          file.empty() ? config::default_file : file)}});
}

int explain_one(const Common& common, const std::string& word, Prober* prober) {
    const Colour colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
    const auto key = named_key(word);
    if (!key) return fail(key.error());
    auto found = explanation(common, *key);
    if (!found) return fail(found.error());
    find_why_servfail(common, *key, *found);
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
