// SPDX-License-Identifier: BSD-3-Clause
#include "log/line.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <vector>

using namespace postseal;
using namespace std::chrono_literals;
using log::Level;

namespace {

std::string text(const std::vector<log::Field>& fields, Level level = Level::info) {
    return log::text_line({level, "e", fields});
}

} // namespace

TEST_CASE("a text line quotes what would not be one word") {
    CHECK(text({{"a", "b"}}) == "info e a=b");
    CHECK(text({{"a", "b c"}, {"d", ""}}) == R"(info e a="b c" d="")");
    CHECK(text({{"a", R"(say "x\y")"}}) == R"(info e a="say \"x\\y\"")");
    CHECK(text({{"a", "k=v"}}, Level::error) == R"(error e a="k=v")");
    CHECK(text({}) == "info e");
}

TEST_CASE("nothing from outside can begin a line of its own or steer a terminal") {
    const std::vector<log::Field> forged{{"a", "x\nERROR forged\x1b[31m\xff"}};
    CHECK(text(forged) == R"(info e a="x?ERROR forged?[31m?")");
    const std::string entry = log::journal_entry({Level::info, "e", forged});
    CHECK(entry.find("\nERROR") == std::string::npos);
    CHECK(entry.find("POSTSEAL_A=x?ERROR forged?[31m?\n") != std::string::npos);
}

TEST_CASE("JSON is one object a line, with its time only where nobody else has one") {
    const std::vector<log::Field> fields{{"a", "b \"c\"\n"}};
    const WallTime time{1'795'359'845'007ms};
    const auto object = nlohmann::json::parse(log::json_line({Level::warning, "e", fields}, time));
    CHECK(object == nlohmann::json{{"time", "2026-11-22T15:04:05.007Z"},
                                   {"level", "warning"},
                                   {"event", "e"},
                                   {"a", "b \"c\"?"}});
    CHECK_FALSE(nlohmann::json::parse(log::json_line({Level::warning, "e", {}}, std::nullopt))
                    .contains("time"));
}

TEST_CASE("a journal entry has the fields that journalctl matches") {
    const std::vector<log::Field> fields{{"domain", "example.com"}, {"reason", "404 Not Found"}};
    CHECK(log::journal_entry({Level::warning, "policy-fetch-failed", fields}) ==
          "MESSAGE=warning policy-fetch-failed domain=example.com reason=\"404 Not Found\"\n"
          "PRIORITY=4\nSYSLOG_IDENTIFIER=postseald\nPOSTSEAL_EVENT=policy-fetch-failed\n"
          "POSTSEAL_DOMAIN=example.com\nPOSTSEAL_REASON=404 Not Found\n");
}

TEST_CASE("a nexthop is found by its domain, too") {
    const std::vector<log::Field> fields{{"nexthop", "[mx.example.com]:587"}};
    const std::string entry = log::journal_entry({Level::info, "forgotten", fields});
    CHECK(entry.find("\nPOSTSEAL_NEXTHOP=[mx.example.com]:587\n") != std::string::npos);
    CHECK(entry.find("\nPOSTSEAL_DOMAIN=mx.example.com\n") != std::string::npos);
}
