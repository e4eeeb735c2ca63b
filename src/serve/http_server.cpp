// SPDX-License-Identifier: BSD-3-Clause
#include "serve/http_server.h"

#include "async/counted.h"
#include "engine/explain.h"
#include "serve/page.h"
#include "json/json.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace postseal::serve {
namespace {

constexpr std::size_t max_explained = 16;
constexpr std::size_t longest_key = 255; // octets
constexpr std::string_view policy_path = "/v1/policy/";
constexpr std::string_view page_policy =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";
constexpr std::string_view nothing_here =
    "there is nothing at this path; there are: /, /healthz, /metrics, /v1/policy/KEY, /v1/status\n";

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    if (host.starts_with('['))
        return ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), address.data()) == 1;
    return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1;
}

std::string json_text(const Json& object) { return dumped(object) + "\n"; }

} // namespace

std::string HttpServer::written(const http::Reply& reply, const http::Manner& manner) const {
    return http::to_wire(reply, manner, engine_.dependencies().clock.now());
}

std::string HttpServer::too_slow() const {
    return written({.status = 408, .body = "no complete request came within 10 s\n"}, {});
}

bool HttpServer::is_ours(const std::optional<std::string>& host) const {
    // HTTP/1.0 without a name: no browser.
    return !host || *host == "localhost" || is_address(*host) ||
           std::ranges::find(hosts_, *host) != hosts_.end();
}

Protocol::Step HttpServer::step(std::string_view bytes, Connection& connection) {
    const http::Scan scan = http::scan(bytes);
    switch (scan.status) {
    case wire::Status::incomplete:
        return {};
    case wire::Status::malformed:
        connection.reply(written(
            {.status = scan.refusal.status, .body = fmt::format("{}\n", scan.refusal.text)}, {}));
        return {.outcome = Outcome::taken, .consumed = bytes.size(), .last = true};
    case wire::Status::frame:
        break;
    }
    const http::Manner manner{.method = scan.request.method, .keep_alive = scan.request.keep_alive};
    route(scan.request, manner, connection);
    return {.outcome = Outcome::taken, .consumed = scan.consumed, .last = !manner.keep_alive};
}

void HttpServer::route(const http::Request& request, const http::Manner& manner,
                       Connection& connection) {
    const std::string_view path = request.path;
    if (!is_ours(request.host)) {
        const std::string text =
            fmt::format("this is not {}: ask by address or as localhost, or have the listener's "
                        "key \"hosts\" name it (postseal.toml(5))\n",
                        request.host.value_or(""));
        connection.reply(written({.status = 421, .body = text}, manner));
    } else if (const PageFile* file = page_file(path)) {
        connection.reply(written(
            {.type = file->type, .body = file->content, .content_policy = page_policy}, manner));
    } else if (path == "/healthz") {
        connection.reply(health(manner));
    } else if (path == "/metrics") {
        const ReplySlot place = connection.reply_later();
        connection.start(send_metrics(connection, place, manner));
    } else if (path == "/v1/status") {
        const ReplySlot place = connection.reply_later();
        connection.start(send_page_json(connection, place, manner));
    } else if (path.starts_with(policy_path)) {
        explain(path.substr(policy_path.size()), manner, connection);
    } else {
        connection.reply(written({.status = 404, .body = nothing_here}, manner));
    }
}

std::string HttpServer::health(const http::Manner& manner) {
    std::string troubles, notes;
    for (const PartHealth& part : daemon_status_.health()) {
        if (!part.trouble.empty()) troubles += fmt::format("{}: {}\n", part.part, part.trouble);
        if (!part.note.empty()) notes += fmt::format("{}: {}\n", part.part, part.note);
    }
    if (troubles.empty()) return written({.body = "ok\n" + notes}, manner);
    return written({.status = 503, .body = "degraded\n" + troubles + notes}, manner);
}

void HttpServer::explain(std::string_view coded, const http::Manner& manner,
                         Connection& connection) {
    auto key = http::percent_decoded(coded);
    const auto refuse = [&](unsigned status, std::string_view text) {
        connection.reply(written({.status = status, .body = text}, manner));
    };
    if (!key) return refuse(400, "the key is badly encoded: write % as %25\n");
    if (key->empty())
        return refuse(400, "name a destination, as Postfix does: /v1/policy/example.com\n");
    if (key->size() > longest_key) return refuse(400, "the key is longer than 255 octets\n");
    if (explaining_ >= max_explained)
        return refuse(429, "other destinations are being looked up: ask again in a moment\n");
    const ReplySlot place = connection.reply_later();
    connection.start(send_policy(connection, place, manner, *std::move(key)));
}

async::Task<> HttpServer::send_metrics(Connection& connection, ReplySlot place,
                                       http::Manner manner) {
    const std::string text = co_await daemon_status_.metrics();
    connection.fulfil(place, written({.type = metrics_type, .body = text}, manner));
}

async::Task<> HttpServer::send_page_json(Connection& connection, ReplySlot place,
                                         http::Manner manner) {
    const Json page = co_await daemon_status_.page();
    connection.fulfil(
        place, written({.type = http::application_json, .body = dumped(page) + "\n"}, manner));
}

async::Task<> HttpServer::send_policy(Connection& connection, ReplySlot place, http::Manner manner,
                                      std::string key) {
    const async::Counted counted(explaining_);
    Json explained;
    auto nexthop = engine_.destination(key);
    if (nexthop) {
        const auto answer = co_await engine_.answer(*std::move(nexthop));
        explained = engine::explain(*answer, *answer->maps, engine_.overrides(),
                                    engine_.dependencies().clock.now());
    } else {
        explained = engine::explain_no_nexthop(key, nexthop.error(), engine_.maps());
    }
    const std::string text = json_text(explained);
    connection.fulfil(place, written({.type = http::application_json, .body = text}, manner));
}

} // namespace postseal::serve
