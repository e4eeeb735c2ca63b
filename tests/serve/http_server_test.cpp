// SPDX-License-Identifier: BSD-3-Clause
#include "serve/http_server.h"

#include "serve/engine_behind.h"
#include "serve/fake_status.h"
#include "serve/transcript.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace postseal;
using namespace postseal::serve;

namespace {

std::string masked(std::string text) {
    for (auto at = text.find("\r\nDate: "); at != std::string::npos;
         at = text.find("\r\nDate: ", at + 1))
        text.replace(at + 8, 29, "-");
    return text;
}

std::string head(std::string_view status, std::string_view type, std::size_t length,
                 std::string_view policy = http::nothing_allowed) {
    return fmt::format("HTTP/1.1 {}\r\nDate: -\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
                       "Cache-Control: no-store\r\nContent-Security-Policy: {}\r\n"
                       "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
                       "Cross-Origin-Resource-Policy: same-origin\r\n",
                       status, type, length, policy);
}

std::string text(std::string_view status, std::string_view body, std::string_view more = "\r\n") {
    return head(status, http::text_plain, body.size()) + std::string(more) + std::string(body);
}

constexpr std::string_view last = "Connection: close\r\n\r\n";

struct Field : test::EngineBehind {
    Field() {
        auto made = std::make_unique<HttpServer>(engine, daemon_status,
                                                 std::vector<std::string>{"ours.example"});
        http = made.get();
        serve(std::move(made));
    }

    // All that comes until the server closes; the dates masked.
    std::string ask(std::string_view request) {
        const Fd client = connect();
        write(client, request);
        return masked(read(client, 1'000'000));
    }
    std::string get(std::string_view path) {
        return ask(
            fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path));
    }
    nlohmann::json explain(std::string_view key) {
        const std::string got = get("/v1/policy/" + std::string(key));
        CHECK(got.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK(got.contains("Content-Type: application/json\r\n"));
        const std::string body = got.substr(got.find("\r\n\r\n") + 4);
        return nlohmann::json::parse(body.substr(0, body.size() - 3)); // "EOF"
    }
    test::FakeStatus daemon_status;
    HttpServer* http = nullptr;
};

void check(Field& field, std::string_view request, const std::string& replies) {
    CAPTURE(request);
    for (std::size_t cut = 0; cut < request.size(); cut++) {
        CAPTURE(cut);
        // A date takes 29 octets.
        REQUIRE(masked(test::exchange(field, request, cut, replies.size() + 4096)) == replies);
    }
}

} // namespace

TEST_CASE("http: transcripts, cut at every octet boundary") {
    Field field;
    check(field, "GET /healthz HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n",
          text("200 OK", "ok\n", last) + "EOF");
    check(field,
          "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n"
          "HEAD /healthz HTTP/1.1\r\nHost: ours.example\r\n\r\nGET /metrics HTTP/1.0\r\n\r\n",
          text("200 OK", "ok\n") + head("200 OK", http::text_plain, 3) + "\r\n" +
              head("200 OK", "text/plain; version=0.0.4; charset=utf-8", 13) + std::string(last) +
              "postseal_x 1\nEOF");
    check(field, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
          text("405 Method Not Allowed", "only GET and HEAD are allowed\n",
               "Allow: GET, HEAD\r\nConnection: close\r\n\r\n") +
              "EOF");
    check(field, "no HTTP\n\n",
          text("400 Bad Request", "this is not an HTTP request\n", last) + "EOF");
}

TEST_CASE("http: what there is and what not") {
    Field field;
    const std::string page = field.get("/");
    CHECK(page.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(page.contains("Content-Type: text/html; charset=utf-8\r\n"));
    CHECK(page.contains("Content-Security-Policy: default-src 'none'; style-src 'self'; "));
    CHECK(page.contains("<title>postseal</title>"));
    CHECK(field.get("/page.js").contains("Content-Type: text/javascript; charset=utf-8\r\n"));
    CHECK(field.get("/page.css").contains("Content-Type: text/css; charset=utf-8\r\n"));
    CHECK(field.get("/icon.svg").contains("Content-Type: image/svg+xml\r\n"));
    CHECK(field.get("/v1/status").ends_with("{}\nEOF"));
    for (const char* path : {"/x", "//", "/metrics/", "/v1/policy", "/..%2fetc"})
        CHECK_MESSAGE(field.get(path).starts_with("HTTP/1.1 404 Not Found\r\n"), path);
}

TEST_CASE("http: a name that is not ours gets nothing") {
    Field field;
    for (const char* host : {"localhost", "LOCALHOST:80", "127.0.0.1", "192.0.2.1:8465",
                             "[2001:db8::1]:1", "ours.example", "Ours.Example:443"})
        CHECK_MESSAGE(field
                          .ask(fmt::format("GET /healthz HTTP/1.1\r\nHost: {}\r\n"
                                           "Connection: close\r\n\r\n",
                                           host))
                          .starts_with("HTTP/1.1 200 OK\r\n"),
                      host);
    for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                             "1.2.3", "[::1", "[x]", "sub.ours.example"})
        CHECK_MESSAGE(field
                          .ask(fmt::format("GET /v1/policy/example.com HTTP/1.1\r\nHost: {}\r\n"
                                           "Connection: close\r\n\r\n",
                                           host))
                          .starts_with("HTTP/1.1 4"),
                      host);
    CHECK(field
              .ask("GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n"
                   "Connection: close\r\n\r\n")
              .starts_with("HTTP/1.1 421 Misdirected Request\r\n"));
    field.http->reconfigure({.hosts = {"evil.example"}});
    CHECK(field
              .ask("GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n"
                   "Connection: close\r\n\r\n")
              .starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("http: health, with a reason a line") {
    Field field;
    field.daemon_status.parts = {
        {"store", "cannot write /x: disk full"}, {"dns", ""}, {"resolver", "gone"}};
    CHECK(field.get("/healthz") ==
          text("503 Service Unavailable",
               "degraded\nstore: cannot write /x: disk full\nresolver: gone\n", last) +
              "EOF");
}

TEST_CASE("http: health, with a note, which is not trouble") {
    Field field;
    field.daemon_status.parts = {{"store", ""}, {"clock", "", "not confirmed yet"}};
    CHECK(field.get("/healthz") == text("200 OK", "ok\nclock: not confirmed yet\n", last) + "EOF");
    field.daemon_status.parts.front().trouble = "gone";
    CHECK(field.get("/healthz") == text("503 Service Unavailable",
                                        "degraded\nstore: gone\nclock: not confirmed yet\n", last) +
                                       "EOF");
}

TEST_CASE("http: a destination is explained as by the tool") {
    Field field;
    CHECK(field.explain("example.com")["verdict"]["class"] == "dane");
    CHECK(field.explain("EXAMPLE%2ecom.")["key"] == "example.com");
    CHECK(field.explain("%5Bmx.example.com%5d:587")["key"] == "[mx.example.com]:587");
    CHECK(field.explain(".example.com")["verdict"]["row"] == 0);
    CHECK(field.explain("a_b")["verdict"]["class"] == "may");
    const auto refused = [&](const std::string& key, std::string_view body) {
        CHECK(field.get("/v1/policy/" + key) == text("400 Bad Request", body, last) + "EOF");
    };
    refused("", "name a destination, as Postfix does: /v1/policy/example.com\n");
    refused("100%", "the key is badly encoded: write % as %25\n");
    refused(std::string(256, 'a'), "the key is longer than 255 octets\n");
}

TEST_CASE("http: no more than 16 destinations are looked up at once") {
    Field field;
    field.resolver.set("hang.example * hang");
    std::vector<Fd> clients;
    for (int i = 0; i < 16; i++) {
        clients.push_back(field.connect());
        Field::write(clients.back(),
                     "GET /v1/policy/hang.example HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    field.turn(milliseconds(50));
    CHECK(field.get("/v1/policy/example.com").starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
    CHECK(field.get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("http: a refusal is read before the connection ends, whatever else was sent") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n");
    field.turn(milliseconds(5));
    Field::write(client, std::string(100'000, 'x'));
    field.turn(milliseconds(5));
    Field::write(client, std::string(100'000, 'x'));
    const std::string got = field.read(client, 1'000'000);
    CHECK(got.starts_with("HTTP/1.1 405 "));
    CHECK(got.ends_with("\nEOF"));
    CHECK(field.server->connections() == 1); // until the client closes
    ::shutdown(client.get(), SHUT_WR);
    field.turn(milliseconds(5));
    CHECK(field.server->connections() == 0);
}

TEST_CASE("http: who is too slow is told so") {
    Field field;
    CHECK(field.http->patience() == milliseconds(10'000));
    CHECK(masked(field.http->too_slow()) ==
          text("408 Request Timeout", "no complete request came within 10 s\n", last));
}
