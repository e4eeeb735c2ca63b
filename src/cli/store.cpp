// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "cli/setup.h"
#include "cli/shared_store.h"
#include "engine/clock.h"
#include "fleet/copy.h"

#include <fmt/format.h>

#include <memory>
#include <variant>

namespace postseal::cli {
namespace {

int init(const Common& common) {
    const auto shared = shared_access(common, all_rows);
    if (!shared) return fail(shared.error());
    const auto made = (*shared)->store.init([] {
        fmt::print(stderr,
                   "postseal: another \"postseal store init\" is running; waiting for it\n");
    });
    if (!made) return fail(client_error(**shared, made.error()));
    if (common.json)
        fmt::print("{}\n", Json{{"place", (*shared)->location.shown},
                                {"made", *made},
                                {"schema", fleet::schema_version}}
                               .dump());
    else
        fmt::print("{}: {}\n", (*shared)->location.shown,
                   *made ? "the tables have been created" : "the tables already exist");
    return ExitStatus::found;
}

// What the daemon of this machine says of it; null: none does.
Json as_the_daemon_sees_it(const Common& common) {
    const auto reply = ask(common, {{"command", "status"}}, seconds(5));
    if (!reply || !reply->contains("status")) return nullptr;
    return (*reply)["status"].value("shared_store", Json(nullptr));
}

void write_daemon(const Json& daemon) {
    if (!daemon.is_object()) {
        fmt::print("{:<14}no daemon that uses it answers here\n", "this node");
        return;
    }
    fmt::print("{:<14}{}\n", "this node", daemon.value("node", ""));
    fmt::print("{:<14}{}\n", "  reaches it", daemon.value("up", false) ? "yes" : "NO");
    fmt::print("{:<14}{:.1f} s\n", "  behind",
               static_cast<double>(daemon.value("behind_ms", 0)) / 1000);
    fmt::print("{:<14}{} rows\n", "  unshared", daemon.value("unshared", 0));
}

int status(const Common& common) {
    const auto shared = shared_access(common, few_rows);
    if (!shared) return fail(shared.error());
    const auto about = (*shared)->store.check();
    const Json daemon = as_the_daemon_sees_it(common);
    const std::string trouble = about ? "" : about.error().text;
    if (common.json) {
        fmt::print("{}\n", Json{{"place", (*shared)->location.shown},
                                {"reachable", about.has_value()},
                                {"reason", trouble},
                                {"schema", about ? about->schema : 0},
                                {"identity", about ? about->identity : ""},
                                {"feed", about ? about->feed : 0},
                                {"daemon", daemon}}
                               .dump());
    } else {
        fmt::print("{:<14}{}\n", "shared store", (*shared)->location.shown);
        if (about)
            fmt::print("{:<14}{}\n{:<14}{}\n{:<14}{}\n", "schema", about->schema, "identity",
                       about->identity, "feed", about->feed);
        write_daemon(daemon);
    }
    return about ? int{ExitStatus::found} : fail(client_error(**shared, about.error()));
}

struct Copy {
    std::string direction;
    std::string file;
};
constexpr auto to_server = "to-server";
constexpr auto from_server = "from-server";

int copy(const Common& common, const Copy& what) {
    const auto config = load_config(common);
    if (!config) return fail(config.error());
    const auto shared = shared_access(common, all_rows);
    if (!shared) return fail(shared.error());
    auto own = store::DatabaseFile::open(
        what.file.empty() ? config->state_dir + "/postseal.db" : what.file, wall_now);
    if (!own) return fail(bad_config, own.error());
    const engine::SystemClock clock;
    const auto moment = [&clock] { return clock.moment(); };
    Progress progress("copy");
    const auto show = [&](const fleet::Copied& copied) {
        progress.at(copied.policies + copied.nexthops, 0, 0);
    };
    const auto copied = what.direction == to_server
                            ? fleet::copy_to_shared(**own, (*shared)->store, moment, show)
                            : fleet::copy_from_shared((*shared)->store, **own, moment, show);
    progress.clear();
    for (const std::string& incident : (*own)->take_incidents())
        fail(temporary, incident);
    if (!copied) {
        if (const auto* error = std::get_if<fleet::Error>(&copied.error()))
            return fail(client_error(**shared, *error));
        return fail(temporary, std::get<std::string>(copied.error()));
    }
    if (common.json)
        fmt::print("{}\n", Json{{"policies", copied->policies},
                                {"nexthops", copied->nexthops},
                                {"changed", copied->changed}}
                               .dump());
    else
        fmt::print("{} policy domains and {} destinations; {} were new there\n", copied->policies,
                   copied->nexthops, copied->changed);
    return ExitStatus::found;
}

constexpr seconds seen_lately{30};

int nodes(const Common& common) {
    const auto shared = shared_access(common, few_rows);
    if (!shared) return fail(shared.error());
    const auto about = (*shared)->store.check();
    if (!about) return fail(client_error(**shared, about.error()));
    const auto nodes = (*shared)->store.nodes();
    if (!nodes) return fail(client_error(**shared, nodes.error()));
    const WallTime now = (*shared)->store.server_now();
    if (!common.json && !nodes->empty())
        fmt::print("{:<32} {:<10} {:<8} {:<12} {}\n", "NODE", "VERSION", "BEHIND", "UP FOR",
                   "LAST SEEN");
    for (const fleet::Node& node : *nodes) {
        const bool there = now - node.seen_at < seen_lately;
        if (common.json)
            fmt::print("{}\n", Json{{"node", node.id},
                                    {"version", node.version},
                                    {"started_at", rfc3339(node.started_at)},
                                    {"seen_at", rfc3339(node.seen_at)},
                                    {"there", there},
                                    {"feed", node.feed},
                                    {"behind", about->feed - node.feed}}
                                   .dump());
        else
            fmt::print("{:<32} {:<10} {:<8} {:<12} {}\n", node.id, node.version,
                       about->feed - node.feed, there ? span_text(now - node.started_at) : "-",
                       there ? "now" : span_text(now - node.seen_at) + " ago");
    }
    return nodes->empty() ? no_policy : ExitStatus::found;
}

} // namespace

Command store_command(Common& common) {
    const auto what = std::make_shared<Copy>();
    return {
        .name = "store",
        .summary = "set up, fill and inspect the store that a fleet shares",
        .examples = {"postseal store init && systemctl restart postseald"},
        .commands = {{.name = "init",
                      .summary = "create its tables; harmless where they exist",
                      .options = config_options(common),
                      .examples = {"postseal store init"},
                      .run = [&common] { return init(common); }},
                     {.name = "status",
                      .summary = "show whether this command and the daemon can reach it",
                      .options = daemon_options(common),
                      .examples = {"postseal store status"},
                      .run = [&common] { return status(common); }},
                     {.name = "copy",
                      .summary = "copy the database of a node to it, or back",
                      .arguments = {{.name = "DIRECTION",
                                     .help = "to-server or from-server",
                                     .target = &what->direction,
                                     .values = {Values::Kind::one_of, {to_server, from_server}}},
                                    {.name = "FILE",
                                     .help = "a database other than the one in state_dir",
                                     .count = Argument::Count::optional,
                                     .target = &what->file,
                                     .values = {Values::Kind::file, {}}}},
                      .options = config_options(common),
                      .examples = {"postseal store copy to-server /srv/old-relay/postseal.db"},
                      .footer = "No daemon may be using the database. Rows that are already there "
                                "are left alone, so an interrupted copy can be repeated.",
                      .run = [&common, what] { return copy(common, *what); }}}};
}

Command nodes_command(Common& common) {
    return {.name = "nodes",
            .summary = "list the nodes of the fleet",
            .options = config_options(common),
            .examples = {"postseal nodes"},
            .run = [&common] { return nodes(common); }};
}

} // namespace postseal::cli
