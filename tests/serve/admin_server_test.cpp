// SPDX-License-Identifier: BSD-3-Clause
#include "serve/admin_server.h"

#include "serve/engine_behind.h"
#include "serve/fake_status.h"
#include "serve/fake_steering.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstring>

using namespace postseal;
using namespace postseal::serve;
using test::FakeSteering;

namespace {

struct Field : test::EngineBehind {
    explicit Field(const std::string& configuration = {}) : EngineBehind(configuration) {
        serve(std::make_unique<AdminServer>(engine, store, steering, daemon_status));
    }
    nlohmann::json ask(const std::string& line) { return ask_by(connect_unix(), line); }
    nlohmann::json ask_by(const Fd& client, const std::string& line) {
        write(client, line + "\n");
        std::string got;
        while (!got.ends_with('\n') && !got.ends_with("EOF"))
            got += read(client, 1);
        return nlohmann::json::parse(got, nullptr, false);
    }
    FakeSteering steering;
    test::FakeStatus daemon_status;
};

// Connects as somebody else; needs root.
Fd connect_as_nobody(const Field& field) {
    REQUIRE(::seteuid(65534) == 0);
    Fd fd = field.connect_unix();
    REQUIRE(::seteuid(0) == 0);
    return fd;
}

} // namespace

TEST_CASE("query gives what the map would say") {
    Field field;
    CHECK(field.ask(R"({"command":"query","key":"example.com","map":"postfix"})") ==
          nlohmann::json{{"ok", true}, {"kind", "ok"}, {"text", "dane-only"}});
    CHECK(field.ask(R"({"command":"query","key":"none.example"})")["kind"] == "not-found");
    CHECK(field.ask(R"({"command":"query","key":".example.com"})")["kind"] == "not-found");
    CHECK(field.ask(R"({"command":"query","key":"bogus.example"})")["kind"] == "temp");
    CHECK(field.ask(R"({"command":"query","key":"192.0.2.1","map":"requiretls"})")["text"] ==
          "opportunistic+starttls");
    CHECK(field.ask(R"({"command":"query","key":"example.com","map":"x"})")["ok"] == false);
}

TEST_CASE("a client of socketmap is refused at once") {
    Field field;
    const Fd client = field.connect_unix();
    field.write(client, "19:postfix example.com,");
    CHECK(field.read(client, 1) == "EOF");
}

TEST_CASE("explain gives evidence, row, reasons and every form") {
    Field field;
    const nlohmann::json explain =
        field.ask(R"({"command":"explain","key":"Example.COM."})")["explain"];
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
    const nlohmann::json none =
        field.ask(R"({"command":"explain","key":"[127.0.0.1]"})")["explain"];
    CHECK(none["verdict"]["class"] == "may");
    CHECK(none["verdict"]["row"] == 0);
    CHECK(none["replies"]["postfix"]["kind"] == "not-found");
    CHECK(none["replies"]["requiretls"]["text"] == "opportunistic+starttls");
}

TEST_CASE("an address that has an override is asked about like any destination") {
    Field field;
    field.override_by("[192.0.2.1] encrypt # until=2100-01-01 their relay\n");
    CHECK(field.ask(R"({"command":"query","key":"192.0.2.1"})")["text"] == "encrypt");
    CHECK(field.ask(R"({"command":"query","key":"[192.0.2.2]"})")["kind"] == "not-found");
    const nlohmann::json explain =
        field.ask(R"({"command":"explain","key":"[192.0.2.1]:25"})")["explain"];
    CHECK(explain["key"] == "[192.0.2.1]");
    CHECK(explain["verdict"]["class"] == "override");
    CHECK(explain["override"]["comment"] == "their relay");
    CHECK(explain["override"]["until"] == "2100-01-01");
    CHECK_FALSE(explain.contains("mx"));
    CHECK(explain["replies"]["tlsrpt"]["text"] == "encrypt");
    CHECK(explain["mail"].get<std::string>().starts_with("sent at \"encrypt\""));
    CHECK(explain["next"] == "postseal overrides list");
    CHECK(field.ask(R"({"command":"show","key":"192.0.2.1"})")["show"]["verdict"] ==
          "override encrypt");
    CHECK(field.ask(R"({"command":"list"})")["list"][0]["key"] == "[192.0.2.1]");
    CHECK(field.ask(R"({"command":"forget","key":"[192.0.2.1]"})")["forgotten"] == true);
    CHECK(field.ask(R"({"command":"refresh","key":"[192.0.2.1]"})")["verdict"] ==
          "override encrypt");
    const nlohmann::json other =
        field.ask(R"({"command":"explain","key":"[192.0.2.2]"})")["explain"];
    CHECK(other["verdict"]["class"] == "may");
    CHECK(other["next"] ==
          "nothing to do; to demand more: postseal overrides set '[192.0.2.2]' encrypt");
}

TEST_CASE("explain gives the action of a delegation listener, too") {
    Field field(R"(
[[listen]]
address = "inet:127.0.0.1:1"
protocol = "delegation"
[delegation]
dane = "PREPEND X-Sealed: %c"
)");
    const nlohmann::json explain =
        field.ask(R"({"command":"explain","key":"example.com"})")["explain"];
    CHECK(explain["delegation"] == "PREPEND X-Sealed: dane");
}

TEST_CASE("status is what the daemon says of itself") {
    Field field;
    CHECK(field.ask(R"({"command":"status"})")["status"]["queries"]["total"] == 7);
}

TEST_CASE("what is not a request is refused in words, and the connection goes on") {
    Field field;
    const Fd client = field.connect();
    for (const char* bad : {"", "x", "[]", "{}", R"({"command":7})", R"({"command":"drop"})",
                            "{\"command\":\"\xff\"}"}) {
        CAPTURE(bad);
        Field::write(client, std::string(bad) + "\n");
        std::string got;
        while (!got.ends_with('\n') && !got.ends_with("EOF"))
            got += field.read(client, 1);
        const nlohmann::json reply = nlohmann::json::parse(got, nullptr, false);
        REQUIRE(reply.is_object());
        CHECK(reply["ok"] == false);
        CHECK(reply["error"].is_string());
    }
}

TEST_CASE("an endless line ends its connection") {
    Field field;
    const Fd client = field.connect();
    for (int i = 0; i < 5; i++) {
        Field::write(client, std::string(60'000, 'x'));
        field.turn(milliseconds(5));
    }
    CHECK(field.read(client, 1) == "EOF");
}

TEST_CASE("reload says what has changed and what has not, or the fault") {
    Field field;
    field.steering.reloaded = {.changed = {"dns", "log"}, .needs_restart = {"user"}};
    CHECK(field.ask(R"({"command":"reload"})") ==
          nlohmann::json{{"ok", true}, {"changed", {"dns", "log"}}, {"needs_restart", {"user"}}});
    field.steering.reloaded = {.error = "postseal.toml:3: dns.tiemout: unknown key"};
    CHECK(field.ask(R"({"command":"reload"})") ==
          nlohmann::json{{"ok", false},
                         {"fault", "config"},
                         {"error", "postseal.toml:3: dns.tiemout: unknown key"}});
}

TEST_CASE("only root and the daemon's own user may change anything") {
    Field field;
    const auto refused = [&](const Fd& client) {
        for (const char* command : {"reload", "hand-over", "give-way"}) {
            CAPTURE(command);
            const nlohmann::json reply =
                field.ask_by(client, nlohmann::json{{"command", command}}.dump());
            CHECK(reply["fault"] == "permission");
            CHECK(reply["error"].get<std::string>().find("only root") == 0);
        }
        CHECK(field.ask_by(client, R"({"command":"status"})")["ok"] == true);
    };
    refused(field.connect()); // nobody knows who that is
    if (::geteuid() == 0) refused(connect_as_nobody(field));
    CHECK(field.steering.reloads == 0);
    CHECK_FALSE(field.steering.ended);
}

TEST_CASE("hand-over passes the descriptors with its reply") {
    Field field;
    const Fd client = field.connect_unix();
    Field::write(client, "{\"command\":\"hand-over\"}\n");
    field.turn(milliseconds(50));
    char text[100];
    alignas(cmsghdr) char control[CMSG_SPACE(10 * sizeof(int))];
    iovec into{.iov_base = text, .iov_len = sizeof text};
    msghdr message{};
    message.msg_iov = &into;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(client.get(), &message, 0);
    REQUIRE(got > 0);
    CHECK(std::string(text, static_cast<std::size_t>(got)) == "{\"ok\":true}\n");
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    REQUIRE(header != nullptr);
    REQUIRE(header->cmsg_len == CMSG_LEN(2 * sizeof(int)));
    int fds[2];
    std::memcpy(fds, CMSG_DATA(header), sizeof fds);
    for (const int fd : fds)
        CHECK(::close(fd) == 0);
    CHECK(field.ask_by(client, R"({"command":"give-way"})")["ok"] == true);
    CHECK(field.steering.ended);
}
