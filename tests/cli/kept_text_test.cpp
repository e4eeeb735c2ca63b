// SPDX-License-Identifier: BSD-3-Clause
#include "cli/kept_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace postseal;

namespace {

const WallTime now = parse_until("2026-11-22T12:00:00Z").value();

Json sts() {
    return Json::parse(R"({"key":"example.org","domain":"example.org","verdict":"enforce","row":13,
        "verdict_since":"2026-11-20T11:00:00Z","seen_at":"2026-11-22T11:30:00Z",
        "dane":{"found":false,"seen_at":"2026-11-22T11:30:00Z"},
        "policy":{"mode":"enforce","mx":["mx.example.org","*.example.net"],"max_age_s":864000,
        "id":"7","fetched_at":"2026-11-21T12:00:00Z","expires_at":"2026-12-01T12:00:00Z",
        "refresh_at":"2026-11-22T13:00:00Z","in_force":true,"record_gone":false},
        "failing":null})");
}

Json nothing_but_a_key() {
    return Json::parse(R"({"key":"a.example","domain":"a.example","verdict":null,"row":0,
        "verdict_since":null,"seen_at":null,"dane":null,"policy":null,"failing":null})");
}

} // namespace

TEST_CASE("a line of the list stands under its head") {
    const std::string head = cli::list_head();
    const std::string line = cli::list_line(sts(), now, cli::Colour::no);
    CHECK(line.starts_with("example.org "));
    CHECK(line.substr(head.find("VERDICT"), 8) == "enforce ");
    CHECK(line.substr(head.find("SINCE"), 6) == "2d 1h ");
    CHECK(line.substr(head.find("POLICY")) == "enforce, 9d left\n");
    CHECK(cli::list_line(nothing_but_a_key(), now, cli::Colour::no).find_last_not_of("\n ") ==
          head.find("POLICY")); // "-"
}

TEST_CASE(
    "a long key has a line of its own, and the columns stay; colour is for the verdict only") {
    Json kept = sts();
    kept["key"] = "a-name-that-does-not-fit-into-its-column.example.org";
    const std::string line = cli::list_line(kept, now, cli::Colour::no);
    const auto end = line.find('\n');
    CHECK(line.substr(0, end) == kept["key"].get<std::string>());
    CHECK(line.substr(end + 1).find("enforce ") == cli::list_head().find("VERDICT"));
    CHECK(cli::list_line(sts(), now, cli::Colour::yes)
              .contains(" \x1b[1;32menforce\x1b[0m            2d 1h"));
}

TEST_CASE("behind whatever does not fit into its column the columns stay") {
    const std::string head = cli::list_head();
    Json kept = sts();
    kept["key"] = std::string(40, 'k'); // just fits
    kept["verdict"] = "override secure match=mail.example.org";
    kept["failing"] = Json::parse(R"({"fault":"status","failures":2})");
    const std::string line = cli::list_line(kept, now, cli::Colour::no);
    const auto end = line.find('\n');
    CHECK(line.substr(0, end) == std::string(40, 'k') + " override secure match=mail.example.org");
    CHECK(line.substr(end + 1).find("2d 1h") == head.find("SINCE"));
    CHECK(line.substr(end + 1).find("enforce, ") == head.find("POLICY"));
    CHECK(line.substr(end + 1).find("fetch: status\n") == head.find("TROUBLE"));
    kept["key"] = std::string(41, 'k');
    kept["policy"]["in_force"] = false;
    const std::string both = cli::list_line(kept, now, cli::Colour::no);
    CHECK(both.find("override") - both.find('\n') - 1 == head.find("VERDICT"));
}

TEST_CASE("a verdict that is not by the overrides as they are now says so") {
    Json kept = nothing_but_a_key();
    kept["verdict"] = "tempfail";
    kept["outdated"] = true;
    CHECK(cli::list_line(kept, now, cli::Colour::no)
              .ends_with(" the overrides have changed since: asked again, it changes\n"));
    CHECK(cli::kept_text(kept, now).contains("\n  outdated  the overrides have changed since"));
}

TEST_CASE("what troubles a policy is the end of its line") {
    Json kept = sts();
    kept["policy"]["record_gone"] = true;
    CHECK(cli::list_line(kept, now, cli::Colour::no).ends_with(" no record\n"));
    kept["failing"] = Json::parse(R"({"fault":"status","failures":2})");
    CHECK(cli::list_line(kept, now, cli::Colour::no).ends_with(" no record, fetch: status\n"));
    kept["policy"]["in_force"] = false;
    CHECK(cli::list_line(kept, now, cli::Colour::no).find(" enforce, ended ") != std::string::npos);
}

TEST_CASE("why mail is deferred, and what does not fit") {
    Json kept = nothing_but_a_key();
    kept["verdict"] = "tempfail";
    kept["findings"] = Json::parse(R"([
        {"code":"deferred","since":"2026-11-22T11:00:00Z","text":"MX a.example is bogus: x",
         "fix":"postseal explain a.example"},
        {"code":"policy-fits-none","since":"2026-11-22T11:00:00Z","text":"the policy fits none",
         "fix":"add mx"}])");
    CHECK(cli::list_line(kept, now, cli::Colour::no)
              .ends_with(" deferred: MX a.example is bogus: x, the policy fits none\n"));
    CHECK(cli::kept_text(kept, now) ==
          "a.example: tempfail\n  finding   mail is deferred: MX a.example is bogus: x, since "
          "2026-11-22T11:00:00Z\n            fix: postseal explain a.example\n  finding   the "
          "policy fits none, since 2026-11-22T11:00:00Z\n            fix: add mx\n  MTA-STS   no "
          "policy is stored\n");
}

TEST_CASE("a destination in paragraphs") {
    Json kept = sts();
    kept["failing"] = Json::parse(R"({"id":"8","fault":"status","reason":"404 Not Found",
        "failures":2,"failed_at":"2026-11-22T11:00:00Z","retry_at":"2026-11-22T12:10:00Z"})");
    CHECK(cli::kept_text(kept, now) ==
          "example.org: enforce (row 13), since 2026-11-20T11:00:00Z\n"
          "  recorded  30m ago; while nothing changes, once an hour\n"
          "  DANE      not there when last recorded, 30m ago\n"
          "  MTA-STS   policy enforce (id 7), fetched 1d ago, in force until 2026-12-01T12:00:00Z\n"
          "            mx mx.example.org *.example.net\n"
          "            fetched again in 1h\n"
          "  failing   fetch for id 8: status (404 Not Found)\n"
          "            2 in a row, the last 1h ago; next try 2026-11-22T12:10:00Z\n");
    CHECK(cli::kept_text(nothing_but_a_key(), now) ==
          "a.example: -\n  MTA-STS   no policy is stored\n");
}

TEST_CASE("of a fleet: who found it out") {
    Json kept = sts();
    kept["node"] = "relay1-3f9a";
    kept["dane"]["origin"] = "relay1-3f9a";
    kept["policy"]["origin"] = "relay2-0c4e";
    kept["failing"] = Json::parse(R"({"id":"8","fault":"status","reason":"404 Not Found",
        "failures":2,"failed_at":"2026-11-22T11:00:00Z","retry_at":"2026-11-22T12:10:00Z",
        "origin":"relay3-77aa"})");
    CHECK(cli::kept_text(kept, now) ==
          "example.org: enforce (row 13), since 2026-11-20T11:00:00Z\n"
          "  recorded  30m ago; while nothing changes, once an hour\n"
          "  DANE      not there when last recorded, 30m ago\n"
          "            recorded by this node, relay1-3f9a\n"
          "  MTA-STS   policy enforce (id 7), fetched 1d ago, in force until 2026-12-01T12:00:00Z\n"
          "            fetched by node relay2-0c4e\n"
          "            mx mx.example.org *.example.net\n"
          "            fetched again in 1h\n"
          "  failing   fetch for id 8: status (404 Not Found)\n"
          "            2 in a row, the last 1h ago; next try 2026-11-22T12:10:00Z\n"
          "            tried by node relay3-77aa\n");
}
