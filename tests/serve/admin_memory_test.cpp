// SPDX-License-Identifier: BSD-3-Clause
#include "serve/admin_memory.h"

#include "async/block_on.h"
#include "serve/engine_behind.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::serve;
using namespace std::chrono_literals;

namespace {

struct Field : test::EngineBehind {
    Field() {
        fetcher.serve("sts.example",
                      "version: STSv1\nmode: enforce\nmx: *.sts.example\nmax_age: 86400\n");
        for (const char* key :
             {"example.com", "none.example", "sts.example", "[mx.example.com]:587"})
            async::block_on(loop, engine.answer(Nexthop::parse(key).value()));
    }
    using Run = async::Task<AdminMemory::Result> (AdminMemory::*)(Json);
    AdminMemory::Result run(Run command, Json request) {
        return async::block_on(loop, (memory.*command)(std::move(request)));
    }
    // The keys of a list, page by page.
    std::string list(Json request) {
        std::string keys;
        for (;;) {
            const Json page = run(&AdminMemory::list, request).value();
            for (const Json& kept : page["list"])
                keys += kept["key"].get<std::string>() + " ";
            if (page["next"].is_null()) return keys;
            request["after"] = page["next"];
        }
    }

    AdminMemory memory{engine, store};
};

} // namespace

TEST_CASE("show: what is kept, and null where nothing is") {
    Field field;
    const Json dane = field.run(&AdminMemory::show, {{"key", "Example.COM."}}).value()["show"];
    CHECK(dane["key"] == "example.com");
    CHECK(dane["domain"] == "example.com");
    CHECK(dane["verdict"] == "dane-only");
    CHECK(dane["row"] == 6);
    CHECK(dane["dane"]["found"] == true);
    CHECK(dane["policy"].is_null());
    CHECK(dane["failing"].is_null());

    const Json sts = field.run(&AdminMemory::show, {{"key", "sts.example"}}).value()["show"];
    CHECK(sts["verdict"] == "enforce");
    CHECK(sts["dane"]["found"] == false);
    CHECK(sts["policy"]["mode"] == "enforce");
    CHECK(sts["policy"]["mx"] == Json::array({"*.sts.example"}));
    CHECK(sts["policy"]["in_force"] == true);
    CHECK(sts["policy"]["record_gone"] == false);

    CHECK(field.run(&AdminMemory::show, {{"key", "other.example"}}).value()["show"].is_null());
}

TEST_CASE("a key that is none is refused") {
    Field field;
    for (const auto command :
         {&AdminMemory::show, &AdminMemory::history, &AdminMemory::refresh, &AdminMemory::forget}) {
        const auto result = field.run(command, {{"key", "a!b.example"}});
        REQUIRE_FALSE(result);
        CHECK(result.error().starts_with("\"a!b.example\" is not a destination"));
        CHECK_FALSE(field.run(command, {{"key", ""}}));
        CHECK_FALSE(field.run(command, {{"key", 7}}));
    }
}

TEST_CASE("list: in order of the keys, in pages of any size") {
    Field field;
    constexpr auto all = "[mx.example.com]:587 example.com none.example sts.example ";
    CHECK(field.list(Json::object()) == all);
    for (const unsigned most : {1U, 2U, 3U, 4U, 5U}) {
        CAPTURE(most);
        CHECK(field.list({{"most", most}}) == all);
    }
    CHECK(field.list({{"after", "example.com"}}) == "none.example sts.example ");
}

TEST_CASE("list: only what is asked for") {
    Field field;
    CHECK(field.list({{"class", "dane"}}) == "example.com ");
    CHECK(field.list({{"class", "enforce"}}) == "sts.example ");
    CHECK(field.list({{"class", "may"}, {"most", 1U}}) == "[mx.example.com]:587 none.example ");
    CHECK(field.list({{"class", "tempfail"}}).empty());
    CHECK(field.list({{"mode", "enforce"}}) == "sts.example ");
    CHECK(field.list({{"mode", "testing"}}).empty());
    CHECK(field.list({{"expiring_s", 86'401U}}) == "sts.example ");
    CHECK(field.list({{"expiring_s", 80'000U}}).empty());
    CHECK(field.list({{"failing", true}}).empty());
    CHECK(field.list({{"failing", false}}).size() > 40);
    CHECK(field.run(&AdminMemory::list, {{"class", "strong"}}).error().contains("there are: dane"));
    CHECK(field.run(&AdminMemory::list, {{"mode", "strict"}}).error().contains("enforce, testing"));

    field.fetcher.fail("sts.example", https::FetchFault::status, "404 Not Found");
    REQUIRE(field.run(&AdminMemory::refresh, {{"key", "sts.example"}}));
    CHECK(field.list({{"failing", true}}) == "sts.example ");
    const Json failing =
        field.run(&AdminMemory::show, {{"key", "sts.example"}}).value()["show"]["failing"];
    CHECK(failing["fault"] == "status");
    CHECK(failing["reason"] == "404 Not Found");
    CHECK(failing["failures"] == 1);
}

TEST_CASE("list: by a pattern of keys") {
    Field field;
    CHECK(field.list({{"pattern", "*.example"}}) == "none.example sts.example ");
    CHECK(field.list({{"pattern", "*.EXAMPLE"}, {"class", "enforce"}}) == "sts.example ");
    CHECK(field.list({{"pattern", "example.com"}}) == "example.com ");
    CHECK(field.list({{"pattern", "example"}}).empty());
    CHECK_FALSE(field.run(&AdminMemory::list, {{"pattern", std::string(256, '*')}}));
}

TEST_CASE("list, show: why mail is deferred") {
    Field field;
    async::block_on(field.loop, field.engine.answer(Nexthop::parse("bogus.example").value()));
    const Json list = field.run(&AdminMemory::list, {{"class", "tempfail"}}).value()["list"];
    REQUIRE(list.size() == 1);
    CHECK(list[0]["key"] == "bogus.example");
    REQUIRE(list[0]["findings"].size() == 1);
    CHECK(list[0]["findings"][0]["code"] == "deferred");
    CHECK(list[0]["findings"][0]["text"].get<std::string>().starts_with("MX bogus.example"));
    CHECK(list[0]["findings"][0]["since"].is_string());
    const Json shown = field.run(&AdminMemory::show, {{"key", "bogus.example"}}).value()["show"];
    CHECK(shown["findings"] == list[0]["findings"]);
    CHECK(field.run(&AdminMemory::show, {{"key", "example.com"}})
              .value()["show"]["findings"]
              .empty());
}

TEST_CASE("history: of all, the newest first, and since when") {
    Field field;
    CHECK(field.run(&AdminMemory::history, Json::object()).value()["history"].empty());
    field.fetcher.serve("sts.example", "version: STSv1\nmode: none\nmax_age: 86400\n");
    REQUIRE(field.run(&AdminMemory::refresh, {{"key", "sts.example"}}));
    const auto of = [&](Json request) {
        return field.run(&AdminMemory::history, std::move(request)).value()["history"];
    };
    const Json all = of(Json::object());
    REQUIRE(all.size() == 2); // the verdict and the downgrade
    CHECK(all[0]["key"] == "sts.example");
    CHECK(of({{"most", 1U}}).size() == 1);
    CHECK(of({{"since", "1970-01-01T00:00:00Z"}}).size() == 2);
    CHECK(of({{"since", "2099-01-01T00:00:00Z"}}).empty());
    CHECK(of({{"key", "sts.example"}, {"since", "2099-01-01T00:00:00Z"}}).empty());
    CHECK_FALSE(field.run(&AdminMemory::history, {{"since", "yesterday"}}));
    CHECK_FALSE(field.run(&AdminMemory::history, {{"since", 7}}));
}

TEST_CASE("refresh says the new verdict, history the change, forget ends it") {
    Field field;
    field.fetcher.serve("sts.example", "version: STSv1\nmode: none\nmax_age: 86400\n");
    const Json refreshed = field.run(&AdminMemory::refresh, {{"key", "sts.example"}}).value();
    CHECK(refreshed["verdict"] == "may");
    CHECK(refreshed["row"] == 13);
    CHECK_FALSE(refreshed["reason"].get<std::string>().empty());
    CHECK(refreshed["partial"] == false);

    const Json history =
        field.run(&AdminMemory::history, {{"key", "sts.example"}}).value()["history"];
    REQUIRE(history.size() == 2);
    // Each has its own time: when the evaluation ended, and when the policy came.
    const bool verdict_first = history[0]["kind"] == "verdict";
    const Json& verdict = history[verdict_first ? 0 : 1];
    const Json& downgrade = history[verdict_first ? 1 : 0];
    CHECK(verdict["kind"] == "verdict");
    CHECK(verdict["before"] == "enforce");
    CHECK(verdict["after"] == "may");
    CHECK(verdict["row"] == 13);
    CHECK(downgrade["kind"] == "downgrade");
    CHECK(downgrade["after"] == "none");
    CHECK(downgrade["reasons"].is_null());
    const Json latest =
        field.run(&AdminMemory::history, {{"key", "sts.example"}, {"most", 1U}}).value()["history"];
    CHECK(latest.size() == 1);

    CHECK(field.run(&AdminMemory::forget, {{"key", "sts.example"}}).value()["forgotten"] == true);
    CHECK(field.run(&AdminMemory::show, {{"key", "sts.example"}}).value()["show"].is_null());
    CHECK(field.run(&AdminMemory::forget, {{"key", "sts.example"}}).value()["forgotten"] == false);
    CHECK(field.run(&AdminMemory::history, {{"key", "sts.example"}}).value()["history"].size() ==
          2);
}
