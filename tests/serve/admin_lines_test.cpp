// The admin socket and any line at all: exactly one JSON object comes back for each.
// SPDX-License-Identifier: BSD-3-Clause
#include "serve/admin_server.h"

#include "serve/engine_behind.h"
#include "serve/fake_status.h"
#include "serve/fake_steering.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace postseal;
using namespace postseal::serve;
using test::FakeSteering;

namespace {

struct Field : test::EngineBehind {
    Field() { serve(std::make_unique<AdminServer>(engine, store, steering, daemon_status)); }
    // Sends them all at once; as many lines as there were.
    std::vector<std::string> ask(const std::vector<std::string>& lines) {
        std::string all;
        for (const std::string& line : lines)
            all += line + "\n";
        const Fd client = connect_unix();
        std::string got;
        std::size_t sent = 0;
        while (std::ranges::count(got, '\n') < static_cast<std::ptrdiff_t>(lines.size())) {
            const ssize_t taken =
                ::send(client.get(), all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
            if (taken > 0) sent += static_cast<std::size_t>(taken);
            const std::string more = read(client, 1);
            REQUIRE_MESSAGE(!more.ends_with("EOF"), got.size());
            got += more;
        }
        std::vector<std::string> replies;
        for (std::size_t end = 0; !got.empty(); got.erase(0, end + 1)) {
            end = got.find('\n');
            replies.push_back(got.substr(0, end));
        }
        return replies;
    }
    FakeSteering steering;
    test::FakeStatus daemon_status;
};

using Random = std::minstd_rand; // the same on every machine

template <class List> auto one_of(Random& random, const List& list) {
    return list[random() % std::size(list)];
}

std::string some_value(Random& random, int depth) {
    static constexpr std::string_view values[] = {R"("example.com")",
                                                  R"("none.example")",
                                                  R"("sts.example:587")",
                                                  R"("[mx.example.com]")",
                                                  R"("\u0000")",
                                                  R"("\ud800")",
                                                  R"("b\u00fccher.example")",
                                                  R"("")",
                                                  R"("postfix")",
                                                  R"("enforce")",
                                                  R"("testing")",
                                                  "0",
                                                  "-1",
                                                  "1e308",
                                                  "18446744073709551615",
                                                  "1.5",
                                                  "true",
                                                  "null",
                                                  "{}",
                                                  "[]",
                                                  R"("..")",
                                                  R"("a\nb")",
                                                  "99999999999999999999"};
    if (depth > 0 && random() % 8 == 0)
        return random() % 2 == 0 ? "[" + some_value(random, depth - 1) + "]"
                                 : R"({"key":)" + some_value(random, depth - 1) + "}";
    return std::string(one_of(random, values));
}

// A command with members that it knows and values that it does not expect; sometimes damaged.
std::string some_line(Random& random) {
    static constexpr std::string_view commands[] = {
        "query",  "explain", "status",           "show",      "list",     "history", "refresh",
        "forget", "reload",  "reload-overrides", "hand-over", "give-way", "nonsense"};
    static constexpr std::string_view members[] = {"key",     "map",  "after",   "most",
                                                   "class",   "mode", "failing", "expiring_s",
                                                   "command", "since"};
    std::string line = R"({"command":")" + std::string(one_of(random, commands)) + '"';
    for (auto left = random() % 4; left > 0; left--)
        line += ",\"" + std::string(one_of(random, members)) + "\":" + some_value(random, 3);
    line += "}";
    for (auto left = random() % 4 == 0 ? random() % 3 : 0; left > 0; left--) {
        const auto at = random() % line.size();
        const auto octet = static_cast<char>(random() % 256);
        if (octet != '\n') line[at] = octet;
    }
    return line;
}

void check_reply(const std::string& line, const std::string& reply) {
    const nlohmann::json object = nlohmann::json::parse(reply, nullptr, false);
    INFO(line);
    INFO(reply);
    REQUIRE(object.is_object());
    REQUIRE(object["ok"].is_boolean());
    if (!object["ok"].get<bool>()) CHECK(object["error"].is_string());
}

} // namespace

TEST_CASE("admin: any line gets one object") {
    Field field;
    Random random(20261125);
    for (int round = 0; round < 20; round++) {
        std::vector<std::string> lines;
        for (int n = 0; n < 200; n++)
            lines.push_back(some_line(random));
        const std::vector<std::string> replies = field.ask(lines);
        REQUIRE(replies.size() == lines.size());
        for (std::size_t n = 0; n < lines.size(); n++)
            check_reply(lines[n], replies[n]);
    }
}

TEST_CASE("admin: depth is no way to our stack") {
    Field field;
    for (const char* command : {"show", "list", "query", "nonsense"}) {
        const std::string deep = R"({"command":")" + std::string(command) + R"(","key":)" +
                                 std::string(32'000, '[') + std::string(32'000, ']') + "}";
        check_reply(command, field.ask({deep}).front());
    }
    check_reply("bare", field.ask({std::string(65'000, '[')}).front());
}
