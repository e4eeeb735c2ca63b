// SPDX-License-Identifier: BSD-3-Clause
#include "log/log.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace postseal;

TEST_CASE("a text line quotes what would not be one word") {
    CHECK(text_line("e", {{"a", "b"}}) == "e a=b");
    CHECK(text_line("e", {{"a", "b c"}, {"d", ""}}) == R"(e a="b c" d="")");
    CHECK(text_line("e", {{"a", R"(say "x\y")"}}) == R"(e a="say \"x\\y\"")");
    CHECK(text_line("e", {{"a", "k=v"}}) == R"(e a="k=v")");
    CHECK(text_line("e", {}) == "e");
}

TEST_CASE("nothing from outside can begin a line of its own or steer a terminal") {
    const std::string line = text_line("e", {{"a", "x\nERROR forged\x1b[31m\xff"}});
    CHECK(line == R"(e a="x?ERROR forged?[31m?")");
}

TEST_CASE("JSON members make one object with what stands around them") {
    const auto object = nlohmann::json::parse("{" + json_members("e", {{"a", "b \"c\"\n"}}) + "}");
    CHECK(object["event"] == "e");
    CHECK(object["a"] == "b \"c\"?");
}

TEST_CASE("levels") {
    Log log({.level = config::LogLevel::warning});
    CHECK(log.wants(Log::Level::error));
    CHECK(log.wants(Log::Level::warning));
    CHECK_FALSE(log.wants(Log::Level::info));
}

TEST_CASE("level and form change while it is in use") {
    Log log({.level = config::LogLevel::warning});
    log.reconfigure({.level = config::LogLevel::debug, .format = config::LogFormat::json});
    CHECK(log.wants(Log::Level::debug));
    log.reconfigure({.level = config::LogLevel::error});
    CHECK_FALSE(log.wants(Log::Level::warning));
}
