// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/filter.h"
#include "cli/kept_text.h"
#include "cli/setup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

namespace postseal::cli {
namespace {

int list(const Common& common, const Filter& filter) {
    const Colour colour = ::isatty(STDOUT_FILENO) == 1 ? Colour::yes : Colour::no;
    bool any = false;
    const auto listed = each_page(common, filter, Bodies::no, [&](const Json& page) {
        const WallTime now = wall_now();
        for (const Json& kept : page) {
            if (!any && !common.json) fmt::print("{}", list_head());
            any = true;
            fmt::print("{}", common.json ? kept.dump() + "\n" : list_line(kept, now, colour));
        }
        std::fflush(stdout);
    });
    if (!listed) return fail(listed.error());
    return any ? ExitStatus::found : no_policy;
}

} // namespace

Command list_command(Common& common) {
    const auto filter = std::make_shared<Filter>();
    return {
        .name = "list",
        .summary = "list the destinations that the daemon has stored",
        .arguments =
            {{.name = "PATTERN",
              .help = "only keys that match: '*.example'; without * and ?, keys that contain it",
              .count = Argument::Count::optional,
              .target = &filter->pattern}},
        .options = joined(filter_options(*filter), daemon_options(common)),
        .examples = {"postseal list --mode enforce --expiring 2d", "postseal list --failing",
                     "postseal list --class tempfail '*.example'"},
        .run = [&common, filter] { return list(common, *filter); }};
}

} // namespace postseal::cli
