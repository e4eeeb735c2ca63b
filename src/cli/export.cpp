// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/filter.h"
#include "cli/progress.h"
#include "cli/setup.h"
#include "cli/texthash.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>

namespace postseal::cli {
namespace {

struct ExportOptions {
    Filter filter;
    std::string format = "texthash";
};

int export_all(const Common& common, const ExportOptions& options) {
    const bool json = common.json || options.format == "json";
    std::optional<Progress> progress;
    if (::isatty(STDOUT_FILENO) != 1) progress.emplace("export");
    std::size_t done = 0;
    bool any = false;
    const auto exported = each_page(common, options.filter, Bodies::yes, [&](const Json& page) {
        if (!any && !json) fmt::print("{}", texthash_head(wall_now()));
        for (const Json& kept : page) {
            // Of an address there is only what an override says: nothing to import.
            if (json && kept["domain"].is_null()) continue;
            fmt::print("{}", json ? kept.dump() + "\n" : texthash_entry(kept));
            done++;
        }
        std::fflush(stdout);
        any = true;
        if (progress) progress->at(done, 0, 0);
    });
    if (!exported) return fail(exported.error());
    return done > 0 ? ExitStatus::found : no_policy;
}

} // namespace

Command export_command(Common& common) {
    const auto options = std::make_shared<ExportOptions>();
    return {
        .name = "export",
        .summary = "write what the daemon has stored, as a table for Postfix or for import",
        .options = joined(
            joined({{.name = "format",
                     .value = "FORMAT",
                     .help = "a table for Postfix (default), or all that is stored as JSON lines",
                     .target = &options->format,
                     .values = {Values::Kind::one_of, {"texthash", "json"}}}},
                   filter_options(options->filter)),
            daemon_options(common)),
        .examples = {"postseal export --json >postseal.jsonl",
                     "postseal export --class enforce >/etc/postfix/tls_policy"},
        .run = [&common, options] { return export_all(common, *options); }};
}

} // namespace postseal::cli
