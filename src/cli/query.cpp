// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/setup.h"

#include <fmt/format.h>

namespace postseal::cli {
namespace {

struct Reply {
    std::string kind;
    std::string text;
};

std::expected<Reply, ClientError> ask(const Common& common, const std::string& key,
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

} // namespace

int query(const Common& common, const std::string& key, const std::string& map) {
    const auto reply = ask(common, key, map);
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

} // namespace postseal::cli
