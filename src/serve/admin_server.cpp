// SPDX-License-Identifier: BSD-3-Clause
#include "serve/admin_server.h"

#include "engine/explain.h"
#include "serve/configuration_json.h"
#include "json/json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace postseal::serve {
namespace {

constexpr std::size_t longest_line =
    262'144; // a policy of 64 KiB in JSON, where octets are escaped
constexpr int deepest = 8;
constexpr std::size_t longest_short_line = 4096;

// What lies deeper is left out: to copy it would take a stack as deep.
Json parse_request(const std::string& line) {
    return Json::parse(
        line, [](int depth, Json::parse_event_t, Json&) { return depth <= deepest; }, false);
}

std::string line_of(const Json& object) { return dumped(object) + "\n"; }

std::string refused(std::string text, const char* fault = "usage") {
    return line_of({{"ok", false}, {"fault", fault}, {"error", std::move(text)}});
}

bool changes_something(std::string_view command) {
    constexpr std::array changing{"reload",    "reload-overrides", "refresh", "forget",
                                  "hand-over", "give-way",         "import"};
    return std::ranges::find(changing, command) != changing.end();
}

bool may_change(const Connection& connection) {
    const auto peer = connection.peer();
    return peer && (peer->uid == 0 || peer->uid == ::geteuid());
}

Json reply_json(const verdict::Reply& reply) {
    const char* kind = reply.kind == verdict::Reply::Kind::ok          ? "ok"
                       : reply.kind == verdict::Reply::Kind::not_found ? "not-found"
                                                                       : "temp";
    return {{"ok", true}, {"kind", kind}, {"text", reply.text}};
}

// Its client sends no newline and would wait for a reply.
bool begins_netstring(std::string_view bytes) {
    const auto colon = bytes.find_first_not_of("0123456789");
    return colon != 0 && colon != std::string_view::npos && bytes[colon] == ':';
}

} // namespace

Protocol::Step AdminServer::step(std::string_view bytes, Connection& connection) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) {
        if (bytes.size() > longest_line)
            return {.outcome = Outcome::malformed, .fault = "a line is longer than 256 KiB"};
        if (begins_netstring(bytes))
            return {.outcome = Outcome::malformed, .fault = "a request of socketmap_table(5)"};
        return {};
    }
    const Connection::ReplySlot place = connection.reply_later();
    connection.start(answer(connection, place, std::string(bytes.substr(0, end))));
    return {.outcome = Outcome::taken, .consumed = end + 1};
}

async::Task<> AdminServer::answer(Connection& connection, Connection::ReplySlot place,
                                  std::string line) {
    std::optional<async::Limiter::Permit> permit;
    if (line.size() > longest_short_line) permit = co_await large_.acquire();
    const Json request = parse_request(line);
    line = std::string();
    const std::string command = request.is_object() ? text_of(request, "command") : "";
    std::string reply;
    if (changes_something(command) && !may_change(connection))
        reply = refused(fmt::format("only root and the daemon's own user may {}", command),
                        "permission");
    else if (command == "hand-over")
        reply = hand_over(connection, place);
    else
        reply = co_await carry_out(request);
    if (!reply.empty()) connection.fulfil(place, reply);
}

async::Task<std::string> AdminServer::carry_out(const Json& request) {
    if (!request.is_object()) co_return refused("write one JSON object per line");
    const std::string command = text_of(request, "command");
    std::string key = text_of(request, "key");
    if (command == "query") {
        std::string map = text_of(request, "map");
        co_return co_await query(std::move(key), std::move(map));
    }
    if (command == "explain") co_return co_await explain(std::move(key));
    if (command == "status") {
        Json status = daemon_status_.status();
        status["configuration"] = configuration_json(daemon_status_.configuration());
        co_return line_of({{"ok", true}, {"status", std::move(status)}});
    }
    if (command == "reload") co_return co_await reload();
    if (command == "reload-overrides") co_return co_await reload_overrides();
    if (command == "give-way") {
        steering_.give_way();
        co_return line_of({{"ok", true}});
    }
    co_return co_await of_memory(command, request);
}

async::Task<std::string> AdminServer::of_memory(std::string command, Json request) {
    using Run = async::Task<AdminMemory::Result> (AdminMemory::*)(Json);
    constexpr std::pair<std::string_view, Run> commands[] = {
        {"show", &AdminMemory::show},       {"list", &AdminMemory::list},
        {"history", &AdminMemory::history}, {"refresh", &AdminMemory::refresh},
        {"forget", &AdminMemory::forget},   {"import", &AdminMemory::import}};
    const auto* found = std::ranges::find(commands, std::string_view(command),
                                          &std::pair<std::string_view, Run>::first);
    if (found == std::end(commands))
        co_return refused(fmt::format(
            "there is no command \"{}\"; there are: query, explain, status, show, list, "
            "history, refresh, forget, import, reload, reload-overrides",
            command));
    std::optional<async::Limiter::Permit> permit;
    if (command == "list" || command == "history") permit = co_await large_.acquire();
    AdminMemory::Result result = co_await (memory_.*found->second)(std::move(request));
    if (!result) co_return refused(result.error());
    Json reply = {{"ok", true}};
    reply.update(*result);
    co_return line_of(reply);
}

async::Task<std::string> AdminServer::reload() {
    const Reloaded done = co_await steering_.reload();
    if (!done.error.empty()) co_return refused(done.error, "config");
    co_return line_of(
        {{"ok", true}, {"changed", done.changed}, {"needs_restart", done.needs_restart}});
}

async::Task<std::string> AdminServer::reload_overrides() {
    const ReloadedOverrides done = co_await steering_.reload_overrides();
    if (!done.error.empty()) co_return refused(done.error, "config");
    co_return line_of({{"ok", true}, {"changed", done.changed}, {"overrides", done.count}});
}

// Empty: the reply has gone out with the descriptors.
std::string AdminServer::hand_over(Connection& connection, Connection::ReplySlot place) {
    const auto handed = steering_.hand_over();
    if (!handed) return refused(handed.error());
    if (handed->empty()) return line_of({{"ok", true}});
    if (connection.fulfil_with(place, line_of({{"ok", true}}), *handed)) return "";
    return refused("the descriptors cannot be passed: ask for nothing else at the same time");
}

async::Task<std::string> AdminServer::query(std::string key, std::string map) {
    const auto variant = engine_.maps().find(map.empty() ? "postfix" : map);
    if (!variant)
        co_return refused(
            fmt::format("there is no map \"{}\"; there are: {}", map, engine_.maps().names()));
    const auto nexthop = engine_.destination(key);
    if (!nexthop) co_return line_of(reply_json(engine_.maps().no_nexthop()[*variant]));
    const auto answer = co_await engine_.answer(*nexthop, nullptr, engine::Engine::Needs::verdict);
    co_return line_of(reply_json(answer->written[*variant]));
}

async::Task<std::string> AdminServer::explain(std::string key) {
    const auto nexthop = engine_.destination(key);
    if (!nexthop)
        co_return line_of(
            {{"ok", true},
             {"explain", engine::explain_no_nexthop(key, nexthop.error(), engine_.maps())}});
    const auto answer = co_await engine_.answer(*nexthop);
    co_return line_of({{"ok", true},
                       {"explain", engine::explain(*answer, *answer->maps, engine_.overrides(),
                                                   engine_.dependencies().clock.now())}});
}

} // namespace postseal::serve
