// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/keys.h"
#include "cli/prober.h"
#include "cli/setup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace postseal::cli {
namespace {

struct ProbeCommand {
    std::vector<std::string> keys;
    ProbeOptions options;
};

void print(const Probed& probed, const Common& common) {
    if (common.json) {
        fmt::print("{}\n", dumped(probe_json(probed), 2));
    } else {
        const Colour colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
        fmt::print("{}", probe_text(probed, colour));
    }
    std::fflush(stdout);
}

int probe_all(const Common& common, const ProbeCommand& command) {
    auto prober = Prober::open(common, command.options);
    if (!prober) return fail(prober.error());
    int status = ExitStatus::found;
    for (const std::string& word : command.keys) {
        const auto key = named_key(word);
        if (!key) return fail(key.error());
        const auto probed = prober->probe(*key);
        if (!probed) return fail(probed.error());
        print(*probed, common);
        status = std::max(status, status_of(*probed));
    }
    return status;
}

} // namespace

Command probe_command(Common& common) {
    const auto command = std::make_shared<ProbeCommand>();
    ProbeOptions& options = command->options;
    return {
        .name = "probe",
        .summary = "connect to each MX host and predict what Postfix does with mail for it",
        .arguments = several_keys(command->keys),
        .options = joined(joined({{.name = "host",
                                   .value = "NAME",
                                   .help = "try this MX host only",
                                   .target = &options.host},
                                  {.letter = "4",
                                   .name = "ipv4",
                                   .help = "try IPv4 addresses only",
                                   .target = &options.ipv4},
                                  {.letter = "6",
                                   .name = "ipv6",
                                   .help = "try IPv6 addresses only",
                                   .target = &options.ipv6},
                                  {.letter = "m",
                                   .name = "map",
                                   .value = "MAP",
                                   .help = "predict for this map (default: as main.cf names it)",
                                   .target = &options.map,
                                   .values = {Values::Kind::such_as, {"postfix", "tlsrpt"}}},
                                  {.name = "port",
                                   .value = "PORT",
                                   .help = "connect to this port (default: the key's)",
                                   .target = &options.port},
                                  {.letter = "t",
                                   .name = "timeout",
                                   .value = "TIME",
                                   .help = "of each step, such as 30s (default: 10s)",
                                   .target = &options.timeout}},
                                 postfix_options(options.postfix)),
                          config_options(common)),
        .examples = {"postseal probe example.com", "postseal probe --ipv6 [mx.example.com]:587"},
        .footer =
            "Sends no mail. Exit status: 0 mail goes sealed to every host, 1 not to every "
            "host or not sealed, 64 usage, 75 mail would be deferred, 78 configuration error.",
        .run = [&common, command] { return probe_all(common, *command); }};
}

} // namespace postseal::cli
