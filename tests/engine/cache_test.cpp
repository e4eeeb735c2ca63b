// SPDX-License-Identifier: BSD-3-Clause
#include "engine/cache.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <memory>
#include <string>

using namespace postseal;
using namespace postseal::engine;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const Replies> replies(const std::string& text) {
    return std::make_shared<const Replies>(Replies{text});
}

constexpr MonoTime t0{1h};
constexpr std::size_t plenty = 1U << 20U;

} // namespace

TEST_CASE("an entry is found until its time is over") {
    Cache cache(plenty);
    cache.put("a", replies("A"), {.until = t0 + 10s}, 0);
    REQUIRE(cache.find("a", t0) != nullptr);
    CHECK(cache.find("a", t0)->front() == "A");
    CHECK(cache.find("a", t0 + 9999ms) != nullptr);
    CHECK(cache.find("a", t0 + 10s) == nullptr);
    CHECK(cache.find("b", t0) == nullptr);
}

TEST_CASE("a later answer takes the place of the earlier one") {
    Cache cache(plenty);
    cache.put("a", replies("A"), {.until = t0 + 10s}, 0);
    cache.put("a", replies("B"), {.until = t0 + 20s}, 0);
    CHECK(cache.size() == 1);
    CHECK(cache.find("a", t0 + 15s)->front() == "B");
}

TEST_CASE("failures in a row are remembered past the entry's time") {
    Cache cache(plenty);
    CHECK(cache.failures("a") == 0);
    cache.put("a", replies("A"), {.until = t0}, 3);
    CHECK(cache.find("a", t0) == nullptr);
    CHECK(cache.failures("a") == 3);
    cache.put("a", replies("A"), {.until = t0}, 0);
    CHECK(cache.failures("a") == 0);
}

TEST_CASE("the configured octets are kept to, and what is in use stays") {
    Cache cache(100'000);
    cache.put("in-use.example", replies("kept"), {.until = t0 + 1h}, 0);
    for (int i = 0; i < 20'000; i++) {
        cache.put(fmt::format("domain-with-a-long-name-{}.example", i), replies("x"),
                  {.until = t0 + 1h}, 0);
        REQUIRE(cache.find("in-use.example", t0) != nullptr);
        REQUIRE(cache.octets() <= 100'000);
    }
    CHECK(cache.size() > 100);
    CHECK(cache.size() < 2000);
    // The latest are there, the first are not.
    CHECK(cache.find("domain-with-a-long-name-19999.example", t0) != nullptr);
    CHECK(cache.find("domain-with-a-long-name-0.example", t0) == nullptr);
}

TEST_CASE("an entry larger than the cache is the only one") {
    Cache cache(1000);
    cache.put("a", replies("A"), {.until = t0 + 1h}, 0);
    cache.put("b", replies(std::string(5000, 'x')), {.until = t0 + 1h}, 0);
    CHECK(cache.size() == 1);
    cache.put("c", replies("C"), {.until = t0 + 1h}, 0);
    CHECK(cache.find("c", t0) != nullptr);
    CHECK(cache.octets() <= 1000);
}

TEST_CASE("a domain without a promise costs at most 400 octets") {
    Cache cache(plenty);
    const auto shared = replies("11:NOTFOUND ,");
    for (int i = 0; i < 1000; i++)
        cache.put(fmt::format("some-usual-domain-{}.example", i), shared, {.until = t0 + 1h}, 0);
    CHECK(cache.octets() / cache.size() <= 400);
}

TEST_CASE("what is due comes in order of time, each once") {
    Cache cache(plenty);
    CHECK(cache.next_due() == Cache::not_due);
    CHECK_FALSE(cache.take_due(t0));
    cache.put("b", replies("B"), {.until = t0 + 9s, .due = t0 + 2s, .asked = t0}, 0);
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 1s, .asked = t0 - 5s}, 0);
    cache.put("never", replies("N"), {.until = t0 + 9s}, 0);
    cache.put("c", replies("C"), {.until = t0 + 9s, .due = t0 + 2s}, 0);
    CHECK(cache.next_due() == t0 + 1s);
    CHECK_FALSE(cache.take_due(t0));
    const auto first = cache.take_due(t0 + 2s);
    REQUIRE(first);
    CHECK(first->key == "a");
    CHECK(first->asked == t0 - 5s);
    CHECK(cache.take_due(t0 + 2s));
    CHECK(cache.take_due(t0 + 2s));
    CHECK_FALSE(cache.take_due(t0 + 1h));
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 3s}, 0);
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 4s}, 0); // moved
    CHECK(cache.next_due() == t0 + 4s);
}

TEST_CASE("the last question is remembered, whatever is put") {
    Cache cache(plenty);
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 1s, .asked = t0}, 0);
    REQUIRE(cache.find("a", t0 + 1s));
    CHECK(cache.take_due(t0 + 1s)->asked == t0 + 1s);
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 2s, .asked = t0}, 0);
    CHECK(cache.take_due(t0 + 2s)->asked == t0 + 1s);
}

TEST_CASE("only what was sound and still holds outlives a failure") {
    Cache cache(plenty);
    CHECK_FALSE(cache.postpone("a", t0, t0 + 1s, 1));
    cache.put("a", replies("A"), {.until = t0 + 9s, .due = t0 + 5s}, 0);
    CHECK(cache.postpone("a", t0, t0 + 1s, 1));
    CHECK(cache.next_due() == t0 + 1s);
    CHECK(cache.failures("a") == 1);
    CHECK(cache.postpone("a", t0 + 1s, t0 + 8s, 2));
    CHECK(cache.find("a", t0 + 8s)->front() == "A");
    CHECK_FALSE(cache.postpone("a", t0 + 9s, t0 + 10s, 3));
    cache.put("a", replies("F"), {.until = t0 + 99s}, 3);
    CHECK_FALSE(cache.postpone("a", t0 + 9s, t0 + 10s, 4));
}

TEST_CASE("what is evicted is not due") {
    Cache cache(1000);
    for (int i = 0; i < 100; i++)
        cache.put(fmt::format("{}", i), replies("x"), {.until = t0 + 1h, .due = t0}, 0);
    std::size_t due = 0;
    while (cache.take_due(t0))
        due++;
    CHECK(due == cache.size());
}

TEST_CASE("what is erased is gone, and the rest goes on") {
    Cache cache(plenty);
    for (const char* key : {"a", "b", "c"})
        cache.put(key, replies(key), {.until = t0 + 1h, .due = t0 + 1min}, 0);
    const std::size_t octets = cache.octets();
    cache.erase("b");
    cache.erase("nothing");
    CHECK(cache.find("b", t0) == nullptr);
    CHECK(cache.find("c", t0)->front() == "c");
    CHECK(cache.octets() == octets / 3 * 2);
    CHECK(cache.take_due(t0 + 1min)->key != "b");
    cache.clear();
    CHECK(cache.size() == 0);
    CHECK(cache.octets() == 0);
    CHECK(cache.next_due() == Cache::not_due);
    cache.put("a", replies("A"), {.until = t0 + 1h}, 0);
    cache.erase("a");
    cache.put("b", replies("B"), {.until = t0 + 1h}, 0);
    CHECK(cache.find("b", t0)->front() == "B");
}

TEST_CASE("a lower limit is reached little by little") {
    Cache cache(plenty);
    for (int i = 0; i < 3000; i++)
        cache.put(fmt::format("domain-{}.example", i), replies("x"), {.until = t0 + 1h}, 0);
    const std::size_t before = cache.size();
    cache.limit(10'000);
    CHECK(cache.size() == before);
    cache.put("one-more.example", replies("x"), {.until = t0 + 1h}, 0);
    CHECK(cache.octets() > 10'000);
    for (int i = 0; i < 20; i++)
        cache.put(fmt::format("more-{}.example", i), replies("x"), {.until = t0 + 1h}, 0);
    CHECK(cache.octets() <= 10'000);
}
