// SPDX-License-Identifier: BSD-3-Clause
#include "serve/admin_server.h"

#include "serve/engine_behind.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace postseal;
using namespace postseal::serve;

namespace {

using Json = nlohmann::json;

struct Field : test::EngineBehind {
    explicit Field(const std::string& configuration = {}) : EngineBehind(configuration) {
        serve(
            std::make_unique<AdminServer>(engine, [] { return std::string(R"({"queries":7})"); }));
    }
    Json ask(const std::string& line) {
        const Fd client = connect();
        write(client, line + "\n");
        std::string got;
        while (!got.ends_with('\n') && !got.ends_with("EOF"))
            got += read(client, 1);
        return Json::parse(got, nullptr, false);
    }
};

} // namespace

TEST_CASE("query gives what the map would say") {
    Field field;
    CHECK(field.ask(R"({"command":"query","key":"example.com","map":"postfix"})") ==
          Json{{"ok", true}, {"kind", "ok"}, {"text", "dane-only"}});
    CHECK(field.ask(R"({"command":"query","key":"none.example"})")["kind"] == "not-found");
    CHECK(field.ask(R"({"command":"query","key":".example.com"})")["kind"] == "not-found");
    CHECK(field.ask(R"({"command":"query","key":"bogus.example"})")["kind"] == "temp");
    CHECK(field.ask(R"({"command":"query","key":"192.0.2.1","map":"requiretls"})")["text"] ==
          "opportunistic+starttls");
    CHECK(field.ask(R"({"command":"query","key":"example.com","map":"x"})")["ok"] == false);
}

TEST_CASE("explain gives evidence, row, reasons and every form") {
    Field field;
    const Json explain = field.ask(R"({"command":"explain","key":"Example.COM."})")["explain"];
    CHECK(explain["key"] == "example.com");
    CHECK(explain["verdict"]["class"] == "dane");
    CHECK(explain["verdict"]["level"] == "dane-only");
    CHECK(explain["verdict"]["row"] == 6);
    CHECK_FALSE(explain["verdict"]["reasons"].empty());
    CHECK(explain["mx"]["state"] == "secure");
    CHECK(explain["mx"]["hosts"][0]["name"] == "mx.example.com");
    CHECK(explain["mx"]["hosts"][0]["state"] == "U");
    CHECK(explain["mta_sts"]["policy"].is_null());
    CHECK(explain["replies"].size() == 5);
    CHECK_FALSE(explain.contains("delegation"));
    CHECK(explain["replies"]["tlsrpt"]["text"] == "dane-only");
    CHECK(explain["holds_s"] == 600);
    CHECK(explain["partial"] == false);
    const Json none = field.ask(R"({"command":"explain","key":"[127.0.0.1]"})")["explain"];
    CHECK(none["verdict"]["class"] == "may");
    CHECK(none["verdict"]["row"] == 0);
    CHECK(none["replies"]["postfix"]["kind"] == "not-found");
    CHECK(none["replies"]["requiretls"]["text"] == "opportunistic+starttls");
}

TEST_CASE("explain gives the action of a delegation listener, too") {
    Field field(R"(
[[listen]]
address = "inet:127.0.0.1:1"
protocol = "delegation"
[delegation]
dane = "PREPEND X-Sealed: %c"
)");
    const Json explain = field.ask(R"({"command":"explain","key":"example.com"})")["explain"];
    CHECK(explain["delegation"] == "PREPEND X-Sealed: dane");
}

TEST_CASE("status is what the daemon says of itself") {
    Field field;
    CHECK(field.ask(R"({"command":"status"})")["status"]["queries"] == 7);
}

TEST_CASE("what is no request is refused in words, and the connection goes on") {
    Field field;
    const Fd client = field.connect();
    for (const char* bad : {"", "x", "[]", "{}", R"({"command":7})", R"({"command":"drop"})",
                            "{\"command\":\"\xff\"}"}) {
        CAPTURE(bad);
        Field::write(client, std::string(bad) + "\n");
        std::string got;
        while (!got.ends_with('\n') && !got.ends_with("EOF"))
            got += field.read(client, 1);
        const Json reply = Json::parse(got, nullptr, false);
        REQUIRE(reply.is_object());
        CHECK(reply["ok"] == false);
        CHECK(reply["error"].is_string());
    }
}

TEST_CASE("an endless line ends its connection") {
    Field field;
    const Fd client = field.connect();
    Field::write(client, std::string(70'000, 'x'));
    CHECK(field.read(client, 1) == "EOF");
}
