// SPDX-License-Identifier: BSD-3-Clause
#include "json/json.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace postseal;

TEST_CASE("JSON: a member's text, or none") {
    const Json object{{"z", "last"}, {"a", "first"}, {"number", 1}, {"null", nullptr}};
    CHECK(text_of(object, "a") == "first");
    CHECK(text_of(object, "missing").empty());
    CHECK(text_of(object, "number").empty());
    CHECK(text_of(object, "null").empty());
    for (const Json& none : {Json(nullptr), Json::array({"a"}), Json("a")})
        CHECK(text_of(none, "a").empty());
}

TEST_CASE("JSON: members keep their order") {
    CHECK(Json{{"z", 1}, {"a", 2}}.dump() == R"({"z":1,"a":2})");
}
