// SPDX-License-Identifier: BSD-3-Clause
#include "cli/exit_status.h"
#include "cli/kept_text.h"
#include "cli/options.h"
#include "cli/setup.h"

#include "postseal/base/text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace postseal::cli {
namespace {

struct Filter {
    std::string cls;
    std::string mode;
    std::string expiring;
    bool failing = false;
};

std::expected<Json, ClientError> request_for(const Filter& filter) {
    Json request = {{"command", "list"}, {"after", ""}};
    if (!filter.cls.empty()) request["class"] = filter.cls;
    if (!filter.mode.empty()) request["mode"] = filter.mode;
    if (filter.failing) request["failing"] = true;
    if (filter.expiring.empty()) return request;
    const auto span = parse_span(filter.expiring);
    if (!span)
        return std::unexpected(ClientError{
            usage, fmt::format("--expiring \"{}\" is no time: write 12h, 2d", filter.expiring)});
    request["expiring_s"] = std::chrono::duration_cast<seconds>(*span).count();
    return request;
}

// Page by page: the daemon's store may hold millions.
int list(const Common& common, const Filter& filter) {
    auto request = request_for(filter);
    if (!request) return fail(request.error().status, request.error().text);
    bool any = false;
    for (;;) {
        const auto reply = ask(common, *request);
        if (!reply) return fail(reply.error().status, reply.error().text);
        const WallTime now = wall_now();
        for (const Json& kept : (*reply)["list"]) {
            if (!any && !common.json) fmt::print("{}", list_head());
            any = true;
            fmt::print("{}", common.json ? kept.dump() + "\n" : list_line(kept, now));
        }
        std::fflush(stdout);
        const Json& next = (*reply)["next"];
        if (!next.is_string()) return any ? ExitStatus::found : no_policy;
        (*request)["after"] = next;
    }
}

} // namespace

void add_list(CLI::App& app, Common& common, Run& run) {
    auto filter = std::make_shared<Filter>();
    CLI::App* command = app.add_subcommand("list", "list the destinations that the daemon keeps");
    command->add_option("--class", filter->cls, "only dane, enforce, may, override or tempfail");
    command->add_option("--mode", filter->mode,
                        "only with a policy in force of mode enforce, testing or none");
    command->add_flag("--failing", filter->failing, "only where the last fetch of a policy failed");
    command->add_option("--expiring", filter->expiring,
                        "only with a policy in force that ends within TIME, such as 12h or 2d");
    daemon_options(*command, common);
    command->footer("Example: postseal list --mode enforce --expiring 2d");
    command->callback(
        [&common, filter, &run] { run = [&common, filter] { return list(common, *filter); }; });
}

} // namespace postseal::cli
