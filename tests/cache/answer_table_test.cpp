// SPDX-License-Identifier: BSD-3-Clause
#include "cache/answer_table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

using namespace postseal;
using namespace postseal::cache;
using namespace std::chrono_literals;

namespace {

constexpr MonoTime now{1h};

struct Table : Readers, AnswerTable {
    Table() : AnswerTable(static_cast<Readers&>(*this)) {}
    CachedAnswer* make(const std::string& key, const std::string& reply) {
        return CachedAnswer::make(key, {reply}, {.hash = hash(key), .until = now, .asked = now});
    }
    CachedAnswer* at(const std::string& key) { return find(key, hash(key)); }
};

std::string key_of(int i) { return fmt::format("domain-{}.example", i); }

} // namespace

TEST_CASE("table: what was put is found, through all growth, and nothing else") {
    Table table;
    for (int i = 0; i < 20'000; i++) {
        REQUIRE(table.at(key_of(i)) == nullptr);
        table.insert(table.make(key_of(i), key_of(-i)));
    }
    CHECK(table.size() == 20'000);
    for (int i = 0; i < 20'000; i++)
        REQUIRE(table.at(key_of(i))->at(0) == key_of(-i));
    CHECK(table.at(key_of(20'000)) == nullptr);
    CHECK(table.at("") == nullptr);
}

TEST_CASE("table: answers come and go without end in the same room") {
    Table table;
    for (int i = 0; i < 1000; i++)
        table.insert(table.make(key_of(i), "x"));
    std::size_t most = 0;
    for (int i = 1000; i < 50'000; i++) {
        table.erase(table.at(key_of(i - 1000)));
        table.insert(table.make(key_of(i), "x"));
        REQUIRE(table.at(key_of(i - 1000)) == nullptr);
        REQUIRE(table.at(key_of(i - 999)) != nullptr);
        most = std::max(most, table.octets());
    }
    CHECK(table.size() == 1000);
    CHECK(most < 100'000);
    CHECK(table.waiting() == 0);
}

TEST_CASE("table: one answer takes the place of another") {
    Table table;
    table.insert(table.make("a.example", "old"));
    table.replace(table.at("a.example"), table.make("a.example", "new"));
    CHECK(table.at("a.example")->at(0) == "new");
    CHECK(table.size() == 1);
}
