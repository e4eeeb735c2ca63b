// SPDX-License-Identifier: BSD-3-Clause
#include "serve/admin_server.h"

#include "engine/explain.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace postseal::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t longest_line = 65'536;

std::string line_of(const Json& object) {
    return object.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string refused(std::string text) {
    return line_of({{"ok", false}, {"fault", "usage"}, {"error", std::move(text)}});
}

Json reply_json(const verdict::Reply& reply) {
    const char* kind = reply.kind == verdict::Reply::Kind::ok          ? "ok"
                       : reply.kind == verdict::Reply::Kind::not_found ? "not-found"
                                                                       : "temp";
    return {{"ok", true}, {"kind", kind}, {"text", reply.text}};
}

// The text of a member; empty where there is none or it is no text.
std::string text_of(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

Protocol::Step AdminServer::step(std::string_view bytes, Connection& connection) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) {
        if (bytes.size() > longest_line)
            return {.outcome = Outcome::malformed, .fault = "a line is longer than 64 KiB"};
        return {};
    }
    const Connection::Place place = connection.reply_later();
    connection.start(answer(connection, place, std::string(bytes.substr(0, end))));
    return {.outcome = Outcome::taken, .consumed = end + 1};
}

async::Task<> AdminServer::answer(Connection& connection, Connection::Place place,
                                  std::string line) {
    const std::string reply = co_await carry_out(std::move(line));
    connection.fulfil(place, reply);
}

async::Task<std::string> AdminServer::carry_out(std::string line) {
    const Json request = Json::parse(line, nullptr, false);
    if (!request.is_object()) co_return refused("write a JSON object a line");
    const std::string command = text_of(request, "command");
    std::string key = text_of(request, "key");
    if (command == "query") {
        std::string map = text_of(request, "map");
        co_return co_await query(std::move(key), std::move(map));
    }
    if (command == "explain") co_return co_await explain(std::move(key));
    if (command == "status")
        co_return line_of({{"ok", true}, {"status", Json::parse(status_(), nullptr, false)}});
    co_return refused(
        fmt::format("there is no command \"{}\"; there are: query, explain, status", command));
}

async::Task<std::string> AdminServer::query(std::string key, std::string map) {
    const auto variant = engine_.maps().find(map.empty() ? "postfix" : map);
    if (!variant)
        co_return refused(
            fmt::format("there is no map \"{}\"; there are: {}", map, engine_.maps().names()));
    const auto nexthop = Nexthop::parse(key);
    if (!nexthop) co_return line_of(reply_json(engine_.maps().no_nexthop()[*variant]));
    const auto answer = co_await engine_.answer(*nexthop);
    co_return line_of(reply_json(answer->written[*variant]));
}

async::Task<std::string> AdminServer::explain(std::string key) {
    const auto nexthop = Nexthop::parse(key);
    if (!nexthop)
        co_return line_of(
            {{"ok", true},
             {"explain", engine::explain_no_nexthop(key, nexthop.error(), engine_.maps())}});
    const auto answer = co_await engine_.answer(*nexthop);
    co_return line_of({{"ok", true}, {"explain", engine::explain(*answer, engine_.maps())}});
}

} // namespace postseal::serve
