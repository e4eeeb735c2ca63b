// SPDX-License-Identifier: BSD-3-Clause
#include "fleet/unshared.h"

#include <doctest/doctest.h>

using namespace postseal;
using namespace postseal::fleet;

namespace {

WallTime at(int s) { return WallTime(seconds(s)); }

std::vector<std::string> keys(const Unshared& unshared, std::size_t most = 9) {
    std::vector<std::string> keys;
    for (const auto& entry : unshared.next(most))
        keys.push_back(entry.key);
    return keys;
}

} // namespace

TEST_CASE("what was marked first comes first, once") {
    Unshared unshared;
    unshared.read({});
    CHECK(unshared.empty());
    unshared.mark("sts/b", {});
    unshared.mark("sts/a", {});
    unshared.mark("sts/b", {});
    CHECK(keys(unshared) == std::vector<std::string>{"sts/b", "sts/a"});
    CHECK(keys(unshared, 1) == std::vector<std::string>{"sts/b"});
    CHECK(unshared.size() == 2);
}

TEST_CASE("a row saved again while it is shared stays marked") {
    Unshared unshared;
    unshared.read({});
    unshared.mark("sts/a", {});
    unshared.mark("sts/b", {});
    const auto shared = unshared.next(1).front();
    unshared.mark("sts/a", at(7));
    CHECK_FALSE(unshared.shared(shared));
    CHECK(keys(unshared) == std::vector<std::string>{"sts/b", "sts/a"});
    CHECK(unshared.next(2)[1].forgotten_at == at(7));
    CHECK(unshared.shared(unshared.next(2)[1]));
    CHECK(unshared.shared(unshared.next(1)[0]));
    CHECK_FALSE(unshared.shared(shared));
    CHECK(unshared.empty());
}

TEST_CASE("what is in the store is read when memory has none left") {
    Unshared unshared;
    CHECK(unshared.must_read()); // of a run before
    unshared.read(
        {.facts = {}, .unshared = {{.key = "sts/a", .forgotten_at = at(3)}}, .unshared_in_all = 2});
    CHECK_FALSE(unshared.must_read());
    CHECK(unshared.size() == 2);
    const auto first = unshared.next(9);
    REQUIRE(first.size() == 1);
    CHECK(first[0].forgotten_at == at(3));
    CHECK(unshared.shared(first[0]));
    CHECK(unshared.must_read());
    CHECK_FALSE(unshared.empty());
}
