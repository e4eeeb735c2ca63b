// SPDX-License-Identifier: BSD-3-Clause
#include "engine/overrides.h"

#include "support/table.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace postseal;
using namespace postseal::engine;

namespace {

std::string find(const Overrides& overrides, const char* key) {
    return overrides.find(Nexthop::parse(key).value()).value_or("-");
}

} // namespace

TEST_CASE("exact keys count before parents, near parents before far ones") {
    const auto overrides = Overrides::parse("# partners\n"
                                            "example.com     encrypt\n"
                                            ".example.com    may\n"
                                            ".b.example.com  dane-only\n"
                                            "\n"
                                            "[mx.example.com]:587\tsecure\n"
                                            "   match=mx.example.com\n"
                                            "Example.ORG.    none\r\n",
                                            "f");
    REQUIRE(overrides);
    CHECK(overrides->size() == 5);
    CHECK(find(*overrides, "example.com") == "encrypt");
    CHECK(find(*overrides, "EXAMPLE.com.") == "encrypt");
    CHECK(find(*overrides, "a.example.com") == "may");
    CHECK(find(*overrides, "a.b.example.com") == "dane-only");
    CHECK(find(*overrides, "b.example.com") == "may");
    CHECK(find(*overrides, "[mx.example.com]:587") == "secure   match=mx.example.com");
    CHECK(find(*overrides, "example.org") == "none");
    CHECK(find(*overrides, "example.net") == "-");
    CHECK(find(*overrides, "notexample.com") == "-");
    // Postfix asks for no parents of these.
    CHECK(find(*overrides, "[a.example.com]") == "-");
    CHECK(find(*overrides, "a.example.com:587") == "-");
}

TEST_CASE("a fault is said with its line, and nothing of the file counts") {
    for (const auto& row : test::read_table("engine/overrides_bad.table", 4)) {
        CAPTURE(row.fields[3]);
        const auto overrides = Overrides::parse(row.fields[0], "overrides");
        REQUIRE_FALSE(overrides);
        CAPTURE(overrides.error());
        CHECK(overrides.error().starts_with("overrides:" + row.fields[1] + ": "));
        CHECK(overrides.error().find(row.fields[2]) != std::string::npos);
    }
}

TEST_CASE("no file, no overrides; a file that cannot be read is an error") {
    const auto none = Overrides::load("/nonexistent/overrides");
    REQUIRE(none);
    CHECK(none->size() == 0);
    CHECK_FALSE(Overrides::load("/"));
    const auto file = std::filesystem::temp_directory_path() / "postseal-overrides-test";
    std::ofstream(file) << "example.com may\n";
    const auto some = Overrides::load(file.string());
    std::filesystem::remove(file);
    REQUIRE(some);
    CHECK(find(*some, "example.com") == "may");
}

TEST_CASE("differences are the keys that only one has, or with another policy") {
    const auto read = [](const char* text) { return Overrides::parse(text, "f").value(); };
    const Overrides a = read("same.example may\nother.example may\n.gone.example may\n");
    const Overrides b = read("SAME.example may\nother.example none\nnew.example may\n");
    const std::vector<std::string> keys{".gone.example", "new.example", "other.example"};
    CHECK(a.differences(b) == keys);
    CHECK(b.differences(a) == keys);
    CHECK(a.differences(a).empty());
}
