// SPDX-License-Identifier: BSD-3-Clause
#include "cli/exit_status.h"
#include "cli/options.h"
#include "cli/setup.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>

namespace postseal::cli {
namespace {

struct Reply {
    std::string kind;
    std::string text;
};

std::expected<Reply, ClientError> reply_for(const Common& common, const std::string& key,
                                            const std::string& map) {
    if (common.direct) {
        const auto found = explanation(common, key);
        if (!found) return std::unexpected(found.error());
        const Json& replies = (*found)["replies"];
        if (!replies.contains(map))
            return std::unexpected(ClientError{usage, fmt::format("there is no map \"{}\"", map)});
        return Reply{replies[map].value("kind", ""), replies[map].value("text", "")};
    }
    const auto config = load_config(common);
    if (!config) return std::unexpected(config.error());
    const auto reply = ask_daemon(admin_socket(common, *config),
                                  {{"command", "query"}, {"key", key}, {"map", map}});
    if (!reply) return std::unexpected(reply.error());
    return Reply{reply->value("kind", ""), reply->value("text", "")};
}

int query(const Common& common, const std::string& key, const std::string& map) {
    const auto reply = reply_for(common, key, map);
    if (!reply) return fail(reply.error().status, reply.error().text);
    if (common.json)
        fmt::print(
            "{}\n",
            Json{{"key", key}, {"map", map}, {"kind", reply->kind}, {"text", reply->text}}.dump());
    if (reply->kind == "temp")
        return common.json ? static_cast<int>(temporary) : fail(temporary, reply->text);
    if (reply->kind != "ok") return no_policy;
    if (!common.json) fmt::print("{}\n", reply->text);
    return ExitStatus::found;
}

} // namespace

void add_query(CLI::App& app, Common& common, Run& run) {
    auto key = std::make_shared<std::string>();
    auto map = std::make_shared<std::string>("postfix");
    CLI::App* command =
        app.add_subcommand("query", "print a destination's policy as postmap -q would");
    command->add_option("key", *key, "as Postfix asks: example.com, [mx.example.com]:587")
        ->required();
    command->add_option("-m,--map", *map, "the map to ask")->capture_default_str();
    lookup_options(*command, common);
    command->footer("Example: postseal query --map tlsrpt example.com");
    command->callback([&common, key, map, &run] {
        run = [&common, key, map] { return query(common, *key, *map); };
    });
}

} // namespace postseal::cli
