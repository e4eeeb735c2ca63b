// SPDX-License-Identifier: BSD-3-Clause
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/keys.h"
#include "cli/setup.h"
#include "postseal/base/text.h"

#include <fmt/format.h>

#include <expected>
#include <memory>
#include <string>

namespace postseal::cli {
namespace {

struct QueryOptions {
    std::string key;
    std::string map = "postfix";
};

struct Reply {
    std::string kind;
    std::string text;
};

std::expected<Reply, ClientError> reply_for(const Common& common, const std::string& key,
                                            const std::string& map) {
    if (common.direct) {
        const auto found = explanation(common, key);
        if (!found) return std::unexpected(found.error());
        for (const auto& [name, reply] : (*found)["replies"].items())
            if (equals_ignoring_case(name, map))
                return Reply{reply.value("kind", ""), reply.value("text", "")};
        return std::unexpected(ClientError{usage, fmt::format("there is no map \"{}\"", map)});
    }
    const auto reply = ask(common, {{"command", "query"}, {"key", key}, {"map", map}});
    if (!reply) return std::unexpected(reply.error());
    return Reply{reply->value("kind", ""), reply->value("text", "")};
}

// As Postfix asks, parents of a domain too, and nothing else.
std::expected<std::string, ClientError> asked_key(const std::string& word) {
    if (word.starts_with('.') && key_of(word.substr(1))) return word;
    const auto key = key_of(word);
    if (!key) return std::unexpected(key.error());
    return key->note.empty() ? word : named_key(word);
}

int query(const Common& common, const std::string& word, const std::string& map) {
    const auto asked = asked_key(word);
    if (!asked) return fail(asked.error());
    const std::string& key = *asked;
    const auto reply = reply_for(common, key, map);
    if (!reply) return fail(reply.error());
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

Command query_command(Common& common) {
    const auto options = std::make_shared<QueryOptions>();
    return {.name = "query",
            .summary = "print a destination's policy as postmap -q would",
            .arguments = one_key(options->key),
            .options = joined(
                {{.letter = "m",
                  .name = "map",
                  .value = "MAP",
                  .help = "the map to ask (default: postfix)",
                  .target = &options->map,
                  .values = {Values::Kind::such_as,
                             {"postfix", "QUERY", "tlsrpt", "QUERYwithTLSRPT", "requiretls"}}}},
                lookup_options(common)),
            .examples = {"postseal query example.com", "postseal query --map tlsrpt example.com"},
            .run = [&common, options] { return query(common, options->key, options->map); }};
}

} // namespace postseal::cli
