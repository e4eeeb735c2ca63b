// SPDX-License-Identifier: BSD-3-Clause
#include "postseal/base/names.h"

#include <doctest/doctest.h>

#include <array>

namespace postseal {
namespace {

enum class Fruit { apple, blackberry, cherry };
constexpr auto fruit_names = names_for<Fruit>(
    {{Fruit::apple, "apple"}, {Fruit::blackberry, "black berry"}, {Fruit::cherry, "cherry"}});

TEST_CASE("names: one table writes and reads") {
    for (const Fruit fruit : {Fruit::apple, Fruit::blackberry, Fruit::cherry})
        CHECK(fruit_names.find(fruit_names[fruit]) == fruit);
    CHECK(fruit_names[Fruit::blackberry] == "black berry");
    CHECK(fruit_names.all() == std::array<std::string_view, 3>{"apple", "black berry", "cherry"});
    for (const auto* other : {"", "Apple", "apple ", "blackberry"})
        CHECK_FALSE(fruit_names.find(other));
}

TEST_CASE("names: a table that lacks a value is noticed by the compiler") {
    CHECK(is_enumerator<Fruit::cherry>());
    CHECK(is_enumerator<static_cast<Fruit>(2)>());
    CHECK_FALSE(is_enumerator<static_cast<Fruit>(3)>());
}

} // namespace
} // namespace postseal
