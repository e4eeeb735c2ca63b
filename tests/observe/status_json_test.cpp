// SPDX-License-Identifier: BSD-3-Clause
#include "observe/status_json.h"

#include "observe/field.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <set>
#include <string>

using namespace postseal;
using namespace postseal::test;

namespace {

std::set<std::string> members(const Json& object) {
    std::set<std::string> names;
    for (const auto& [name, value] : object.items())
        names.insert(name);
    return names;
}

Json of_part(const Json& status, const std::string& part) {
    for (const Json& one : status["health"])
        if (one["part"] == part) return one;
    return nullptr;
}

} // namespace

TEST_CASE("status_json: the members that the header promises, and no other") {
    Observed field;
    const Json status = observe::status_json(field.observer);
    CHECK(members(status) == std::set<std::string>{"version", "now", "started_at", "uptime_s",
                                                   "health", "connections", "queries", "lookups",
                                                   "memory", "downgrades", "last_downgrade",
                                                   "clock_confirmed_by", "store", "shared_store",
                                                   "validation", "reload_error"});
    CHECK(members(status["queries"]) == std::set<std::string>{"total", "memory", "lookup", "none",
                                                              "no_nexthop", "unknown_map",
                                                              "protocols", "classes"});
    CHECK(members(status["queries"]["protocols"]) ==
          std::set<std::string>{"socketmap", "tcp_table", "delegation"});
    CHECK(members(status["lookups"]) == std::set<std::string>{"pending", "active", "waiting"});
    CHECK(members(status["memory"]) == std::set<std::string>{"answers", "bytes", "limit_bytes"});
    CHECK(members(status["store"]) == std::set<std::string>{"degraded", "reason", "unread"});
    CHECK(members(status["validation"]) ==
          std::set<std::string>{"state", "fault", "reason", "fix", "servers"});
    CHECK(status["shared_store"].is_null());
    CHECK(status["started_at"] == rfc3339(field.observer.started()));
}

TEST_CASE("status_json: what was counted, by source, protocol and class") {
    Observed field;
    field.counted.queries = 12;
    field.counted.socketmap = 7;
    field.counted.tcp_table = 3;
    field.counted.delegation = 2;
    field.counted.no_nexthop = 4;
    field.counted.unknown_map = 1;
    serve::QueryCounts counts;
    counts.count(config::Protocol::socketmap, "postfix", verdict::Class::dane,
                 serve::Source::memory);
    counts.count(config::Protocol::socketmap, "postfix", verdict::Class::may,
                 serve::Source::lookup);
    counts.count(config::Protocol::socketmap, "postfix", std::nullopt, serve::Source::none);
    counts.add_to(field.counted.by_map);
    const Json queries = observe::status_json(field.observer)["queries"];
    CHECK(queries["total"] == 12);
    CHECK(queries["memory"] == 1);
    CHECK(queries["lookup"] == 1);
    CHECK(queries["none"] == 1);
    CHECK(queries["no_nexthop"] == 4);
    CHECK(queries["unknown_map"] == 1);
    CHECK(queries["protocols"] == Json{{"socketmap", 7}, {"tcp_table", 3}, {"delegation", 2}});
    CHECK(queries["classes"]["dane"] == 1);
    CHECK(queries["classes"]["may"] == 1);
    CHECK(queries["classes"]["enforce"] == 0);
}

TEST_CASE("status_json: a lookup is pending, then an answer in memory") {
    Observed field;
    field.fetcher.serve("sts.example", "version: STSv1\nmode: none\nmax_age: 86400\n");
    CHECK(observe::status_json(field.observer)["memory"]["answers"] == 0);
    auto answer = field.engine.answer(Nexthop::parse("slow.example").value());
    const auto known = async::block_on(field.loop, std::move(answer));
    REQUIRE(known != nullptr);
    field.settle();
    const Json status = observe::status_json(field.observer);
    CHECK(status["lookups"]["pending"] == 0);
    CHECK(status["memory"]["answers"] == 1);
    CHECK(status["memory"]["bytes"] > 0);
}

TEST_CASE("status_json: the parts' troubles and notes, the store's and DNS's among them") {
    Observed field;
    field.health = {{"configuration", "line 3: no such key"}, {"clock", "", "not confirmed"}};
    field.reload_error = "line 3: no such key";
    const Json status = observe::status_json(field.observer);
    CHECK(of_part(status, "configuration")["trouble"] == "line 3: no such key");
    CHECK(of_part(status, "clock")["note"] == "not confirmed");
    CHECK(of_part(status, "store")["trouble"] == "");
    CHECK(of_part(status, "dns")["trouble"] == "");
    CHECK(status["health"].size() == 4);
    CHECK(status["reload_error"] == "line 3: no such key");
    CHECK(field.observer.health().size() == 4);
}
