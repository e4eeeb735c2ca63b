// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/input.h"
#include "cli/lint_text.h"
#include "cli/setup.h"
#include "postseal/mtasts/policy.h"

#include <fmt/format.h>

#include <memory>

namespace postseal::cli {
namespace {

int write(const Common& common, const Linted& linted) {
    if (common.json)
        fmt::print("{}\n", linted.json);
    else
        fmt::print(linted.good ? stdout : stderr, "{}", linted.text);
    return linted.good ? ExitStatus::found : bad_data;
}

int policy(const Common& common, const std::string& file) {
    const auto text = read_input(file, mtasts::max_policy_size + 1);
    if (!text) return fail(usage, text.error());
    return write(common, lint_policy(*text, file == "-" ? "standard input" : file));
}

} // namespace

Command lint_command(Common& common) {
    const auto word = std::make_shared<std::string>();
    return {.name = "lint",
            .summary = "say what an MTA-STS record or policy file means to us, or its first fault",
            .examples = {"postseal lint policy mta-sts.txt"},
            .footer = "Exit status: 0 it is good, 64 usage, 65 it has a fault.",
            .commands = {
                {.name = "record",
                 .summary = "say what the TXT record of _mta-sts.DOMAIN means",
                 .arguments = {{.name = "TEXT",
                                .help = "all of the record, in quotes for the shell",
                                .target = word.get()}},
                 .options = {json_option(common)},
                 .examples = {"postseal lint record 'v=STSv1; id=20260131;'"},
                 .run = [&common, word] { return write(common, lint_record(*word)); }},
                {.name = "policy",
                 .summary = "say what a policy file, mta-sts.txt, means",
                 .arguments = {{.name = "FILE",
                                .help = "the file; - is standard input",
                                .target = word.get(),
                                .values = {Values::Kind::file, {}}}},
                 .options = {json_option(common)},
                 .examples = {"postseal lint policy mta-sts.txt",
                              "curl -s https://mta-sts.example.com/.well-known/mta-sts.txt | "
                              "postseal lint policy -"},
                 .run = [&common, word] { return policy(common, *word); }},
            }};
}

} // namespace postseal::cli
